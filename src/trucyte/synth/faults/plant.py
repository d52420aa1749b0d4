"""Plant faults at a rate, each kind in turn, one a visit, and keep the truth."""

from collections import deque
from dataclasses import dataclass, field

from trucyte.intake.claims.tables import Visit
from trucyte.synth.dice import Dice
from trucyte.synth.faults import amounts, form, order, wire
from trucyte.synth.faults.kind import Kind
from trucyte.synth.faults.wire import CUT, CUT_FAMILY, WireKind
from trucyte.synth.write import Style

_STREAM_FAULT, _STREAM_CUT = 7, 8
_WIRE_SHARE = 0.08
ALL_KINDS: tuple[Kind, ...] = form.KINDS + amounts.KINDS + order.KINDS


@dataclass(frozen=True, slots=True)
class Truth:
    """One planted fault: where, what, and which family of rules should say so."""

    file: str
    visit: str  # MA_LK; "" for the whole file
    table: str
    row: int
    field: str
    kind: str
    family: str


@dataclass(slots=True)
class Planter:
    """Chooses visits by chance and kinds in turn, so that every kind comes up."""

    seed: int
    rate: float
    _waiting: deque[Kind] = field(default_factory=lambda: deque(ALL_KINDS))
    _on_wire: deque[WireKind] = field(default_factory=lambda: deque(wire.KINDS))

    def in_tables(self, visit: Visit, number: int, file: str) -> Truth | None:
        """Perhaps plant a fault in the tables of a visit (changed in place)."""
        dice = Dice(self.seed, _STREAM_FAULT, number)
        if not dice.happens(self.rate * (1 - _WIRE_SHARE)):
            return None
        for kind in tuple(self._waiting):
            place = kind.plant(dice, visit.tables)
            if place is not None:
                self._waiting.remove(kind)
                self._waiting.append(kind)
                return Truth(
                    file, visit.link, place.table, place.row, place.field, kind.name, kind.family
                )
        return None

    def on_wire(
        self, body: str, style: Style, visit: Visit, number: int, file: str
    ) -> tuple[str, Truth | None]:
        """Perhaps break the text of a HOSO element."""
        dice = Dice(self.seed, _STREAM_CUT, number * 2)
        if not dice.happens(self.rate * _WIRE_SHARE):
            return body, None
        for kind in tuple(self._on_wire):
            broken = kind.break_it(body, style)
            if broken is not None and broken != body:
                self._on_wire.remove(kind)
                self._on_wire.append(kind)
                return broken, Truth(file, visit.link, "", 0, "", kind.name, kind.family)
        return body, None

    def cuts(self, number: int, file: str) -> Truth | None:
        """Say whether file `number` is cut short."""
        dice = Dice(self.seed, _STREAM_CUT, number * 2 + 1)
        if not dice.happens(self.rate * 0.5):
            return None
        return Truth(file, "", "", 0, "", CUT, CUT_FAMILY)
