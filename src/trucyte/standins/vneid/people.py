"""The people of the stand-in: invented, with numbers of a province code that is not in use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from trucyte.base.problem import Kind, Problem


class PeopleUnreadable(Problem):
    """The file {file} has no people that can be read: a JSON list of number, name, born, level."""

    kind = Kind.BAD_INPUT
    code = "standin-people-unreadable"


class Person(msgspec.Struct, frozen=True):
    """One who may log in."""

    number: str  # 12 digits
    name: str
    born: str  # YYYY-MM-DD
    level: int = 2


PEOPLE: Final = (
    Person("099190000017", "Nguyễn Thị Mẫu", "1990-05-17"),
    Person("099085000025", "Trần Văn Thử", "1985-11-02"),
    Person("099170000033", "Lê Mức Một", "1970-01-20", 1),
)


@dataclass(frozen=True, slots=True)
class People:
    """Who is known to a stand-in."""

    listed: tuple[Person, ...] = PEOPLE

    def find(self, number: str) -> Person | None:
        """Return one by number."""
        return next((one for one in self.listed if one.number == number), None)


def read_people(file: Path) -> People:
    """Return the people of a JSON file. Raises PeopleUnreadable."""
    try:
        listed = msgspec.json.decode(file.read_bytes(), type=tuple[Person, ...])
    except (OSError, msgspec.DecodeError):
        raise PeopleUnreadable(file=file.name) from None
    if not listed:
        raise PeopleUnreadable(file=file.name)
    return People(listed)
