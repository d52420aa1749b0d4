"""The people of the synthetic population as values: persons, homes, households.

Days are ordinals (`date.toordinal`). Nobody is real; see `numbers`.
"""

from collections.abc import Sequence

import msgspec

from trucyte.vietnam.people.frequencies import FEMALE, MALE

__all__ = ["FEMALE", "MALE", "Address", "Home", "Household", "Name", "Person"]


class Name(msgspec.Struct, frozen=True):
    """A name in mixed case, NFC, taken apart."""

    family: tuple[str, ...]
    middle: tuple[str, ...]
    given: str
    given_first: bool = False  # peoples who write the family name last

    @property
    def words(self) -> tuple[str, ...]:
        """The words in the order of papers."""
        if self.given_first:
            return (*self.middle, self.given, *self.family)
        return (*self.family, *self.middle, self.given)

    @property
    def text(self) -> str:
        """The name as papers have it."""
        return " ".join(self.words)


class Address(msgspec.Struct, frozen=True):
    """A home in the units of one time."""

    text: str
    province: str  # 2 digits, "" where not known
    commune: str  # 5 digits, "" where not known


class Home(msgspec.Struct, frozen=True):
    """Where people live, in units of before and of since 1 July 2025."""

    old: Address
    new: Address


class Person(msgspec.Struct, frozen=True):
    """One person; numbers are "" where there are none."""

    place: int  # in the household
    sex: str
    birth: int
    is_year_only: bool
    ethnicity: str
    name: Name
    personal_number: str
    identity_number: str
    passport_number: str
    card_number: str
    social_number: str
    phone: str  # an own one, else the household's is given
    mother: "Person | None" = None
    father: "Person | None" = None
    situations: tuple[str, ...] = ()  # why telling this person apart is hard
    dummy_number: str = ""  # what every facility has for the personal number
    is_phone_kept: bool = False  # every facility has the phone, and the same one


class Household(msgspec.Struct, frozen=True):
    """Those who live together; they lived at `homes[0]` until `moved_on`."""

    index: int
    homes: tuple[Home, Home]
    moved_on: int
    phones: tuple[str, str]  # the household's, and the one it has from `phone_changed_on`
    phone_changed_on: int
    persons: Sequence[Person]

    def home(self, day: int) -> Home:
        """Return where they live on a day."""
        return self.homes[day >= self.moved_on]

    def phone(self, day: int) -> str:
        """Return the household's phone on a day."""
        return self.phones[day >= self.phone_changed_on]
