"""Make the files of a population: as many records as asked for, the same bytes on any machine.

Households are made in blocks; a block is a pure function of the options and its number, so
several processes share the work and none of them decides anything. Records of a block are
mixed by chance, so that the order says little of who is who.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from math import ceil
from threading import Event
from typing import Final, Literal

import msgspec

from trucyte.base.crew import Crew
from trucyte.base.problem import Kind, Problem
from trucyte.synth.dice import Dice
from trucyte.synth.population.columns import Row
from trucyte.synth.population.corruptions import Corruptions
from trucyte.synth.population.forms import Form, Part, form_of
from trucyte.synth.population.hard import CASES_MAX, make_case
from trucyte.synth.population.numbers import RING, RINGS_MAX
from trucyte.synth.population.people import Make, make_household
from trucyte.synth.population.records import Recorder
from trucyte.synth.population.shapes import Household

FURTHER: Final = 1.2  # records of a person beyond the first, on average
_BLOCK: Final = 1_000  # households
_STREAM_ORDER: Final = 23
_PERSONS: Final = 2.7  # of a household, on average and at least
_PERSONS_HARD: Final = 2.4  # of a case
_AHEAD: Final = 3  # blocks that wait for one before them, per process
_WAIT_SECONDS: Final = 5.0


class TooManyPeople(Problem):
    """There are not numbers for so many people: ask for {most} records at most."""

    kind = Kind.TOO_LARGE
    code = "too-many-people"


class Options(msgspec.Struct, frozen=True):
    """What to make."""

    records: int
    seed: int
    corruptions: Corruptions
    further: float = FURTHER
    is_hard: bool = False
    form: Literal["csv", "ndjson", "patients"] = "csv"

    @property
    def make(self) -> Make:
        """What households follow from; raises TooManyPeople."""
        persons = _PERSONS_HARD if self.is_hard else _PERSONS
        households = self.records / (1 + self.further) / persons
        most = CASES_MAX if self.is_hard else RING * RINGS_MAX
        if households > most:
            raise TooManyPeople(most=int(most * persons * (1 + self.further)))
        return Make(self.seed, 1 if self.is_hard else max(1, ceil(households / RING)))


class Block(msgspec.Struct, frozen=True):
    """The records of a block, written."""

    number: int
    part: Part


class Maker:
    """Makes blocks, in this process or one of its own."""

    def __init__(self, options: Options) -> None:
        """Check the options; raises TooManyPeople."""
        self._options = options
        self._make = options.make
        self._recorder = Recorder(options.seed, options.corruptions, options.further)
        self._form: Form = form_of(options.form)

    def rows(self, number: int) -> list[Row]:
        """Return the records of a block in their order."""
        found = [row for home in self._households(number) for row in self._recorder.rows(home)]
        dice = Dice(self._options.seed, _STREAM_ORDER, number)
        order = [dice.chance() for _ in found]
        mixed = [row for _, row in sorted(zip(order, found, strict=True), key=_first)]
        for place, row in enumerate(mixed):
            row[0] = f"R{number:06d}{place:05d}"
        return mixed

    def _households(self, number: int) -> Iterator[Household]:
        first = number * _BLOCK
        for index in range(first, first + _BLOCK):
            if self._options.is_hard:
                yield from make_case(self._make, index)
            else:
                yield make_household(self._make, index)

    def block(self, number: int) -> Block:
        """Return a block, written."""
        return Block(number, self._form.part(self.rows(number)))

    def accept(self, tasks: Sequence[int], stop: Event) -> Sequence[Block]:
        """Make the blocks of these numbers."""
        return [self.block(number) for number in tasks if not stop.is_set()]

    def close(self) -> None:
        """Nothing is held open."""


def _first(pair: tuple[float, Row]) -> float:
    return pair[0]


def rows(options: Options) -> Iterator[Row]:
    """Yield the records, in this process."""
    left = options.records
    maker = Maker(options)
    number = 0
    while left:
        found = maker.rows(number)[:left]
        yield from found
        left -= len(found)
        number += 1


def parts(options: Options, *, processes: int = 1) -> Iterator[Part]:
    """Yield the records as text, block after block; the processes change only the time."""
    left = options.records
    for part in _parts(options, processes):
        taken = part.head(left)
        yield taken
        left -= taken.records
        if not left:
            return


def _parts(options: Options, processes: int) -> Iterator[Part]:
    maker = Maker(options)
    if processes == 1:
        number = 0
        while True:
            yield maker.block(number).part
            number += 1
    crew: Crew[int, Block] = Crew(partial(Maker, options), processes)
    try:
        yield from _in_order(crew)
    finally:
        crew.close()


def _in_order(crew: Crew[int, Block]) -> Iterator[Part]:
    given = due = 0
    waiting: dict[int, Part] = {}
    while True:
        for member in range(crew.size):
            while crew.has_room(member) and given < due + _AHEAD * crew.size:
                crew.give(member, [given])
                given += 1
        for block in crew.collect(_WAIT_SECONDS):
            waiting[block.number] = block.part
        while due in waiting:
            yield waiting.pop(due)
            due += 1
