"""How often records are damaged, and how: a TOML file, checked before anything is made."""

import tomllib
from typing import Annotated

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.synth.population.data import packaged_text

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class CorruptionsUnreadable(Problem):
    """The file of corruptions cannot be used: {reason}."""

    kind = Kind.BAD_INPUT
    code = "corruptions-unreadable"


class NameRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Damage to a name; the first six exclude each other."""

    unaccented: Share = 0.0
    telex: Share = 0.0
    vni_typing: Share = 0.0
    vni_bytes: Share = 0.0
    tcvn3_bytes: Share = 0.0
    nfd: Share = 0.0
    tone_placement: Share = 0.0
    upper_case: Share = 0.0
    given_typo: Share = 0.0
    swapped: Share = 0.0
    initials: Share = 0.0
    middle_dropped: Share = 0.0
    regional: Share = 0.0
    i_for_y: Share = 0.0
    titled: Share = 0.0
    hyphened: Share = 0.0
    spaced: Share = 0.0

    @property
    def scripts(self) -> tuple[float, ...]:
        """The rates of the six that exclude each other."""
        return (
            self.unaccented,
            self.telex,
            self.vni_typing,
            self.vni_bytes,
            self.tcvn3_bytes,
            self.nfd,
        )


class BirthRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Damage to a date of birth."""

    first_of_january: Share = 0.0
    day_month_swapped: Share = 0.0
    year_slip: Share = 0.0
    absent: Share = 0.0


class SexRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Damage to the sex."""

    wrong: Share = 0.0


class NumberRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Damage to a number; `changed` is for phones."""

    absent: Share = 0.0
    digit_slip: Share = 0.0
    shared_dummy: Share = 0.0
    changed: Share = 0.0


class AddressRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Damage to an address."""

    ward_changed: Share = 0.0
    unaccented: Share = 0.0
    abbreviated: Share = 0.0
    old_units: Share = 0.0
    absent: Share = 0.0


class AbsentRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part that may be left out."""

    absent: Share = 0.0


class Corruptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rates; a section that is left out damages nothing."""

    name: NameRates = NameRates()
    birth_date: BirthRates = BirthRates()
    sex: SexRates = SexRates()
    personal_number: NumberRates = NumberRates()
    identity_number: NumberRates = NumberRates()
    passport_number: NumberRates = NumberRates()
    card_number: NumberRates = NumberRates()
    social_number: NumberRates = NumberRates()
    phone: NumberRates = NumberRates()
    address: AddressRates = AddressRates()
    mother_name: AbsentRates = AbsentRates()
    guardian: AbsentRates = AbsentRates()


def read_corruptions(data: bytes) -> Corruptions:
    """Return the rates of a TOML file; raises CorruptionsUnreadable."""
    try:
        found = msgspec.convert(tomllib.loads(data.decode()), Corruptions)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CorruptionsUnreadable(reason=str(error)) from error
    if sum(found.name.scripts) > 1:
        raise CorruptionsUnreadable(reason="the scripts of [name] sum to more than 1")
    return found


def packaged_corruptions() -> Corruptions:
    """Return the declared error rates, `synth/data/corruptions.toml`."""
    return read_corruptions(packaged_text("corruptions.toml").encode())
