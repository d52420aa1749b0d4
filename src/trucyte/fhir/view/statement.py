"""A view as SQL text: named steps over lines of JSON, and the values it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trucyte.fhir.view.forms import Form

LINE: Final = "_line"


@dataclass(frozen=True, slots=True)
class Step:
    """One named step."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the result and how its values are held."""

    name: str
    form: Form
    is_collection: bool
    sql_type: str = ""  # where the view asks for one by a tag


@dataclass(frozen=True, slots=True)
class Statement:
    """Steps from a relation `lines(no BIGINT, line VARCHAR)` to the rows of the view.

    `siblings` is a pattern of lines that have primitives with extensions among what the
    view reads; SQL leaves these to closures, and they are not in the result. `strict` is the
    first step as it is where such a line, and one that is not JSON, shall be an error.
    """

    steps: tuple[Step, ...]
    last: str
    order: str  # "" where rows come in the order of the lines by themselves
    fields: tuple[Field, ...]
    parameters: Mapping[str, object]
    siblings: str
    strict: Step

    def text(
        self, source: str, result: str = "*", *, is_ordered: bool = True, is_strict: bool = False
    ) -> str:
        """Return the SQL; `source` is a query of lines, `result` what is made of the rows.

        Rows have `_line`, and the columns of the view by their names. A strict one ends in an
        error where a line must be left to closures.
        """
        chosen = (self.strict, *self.steps[1:]) if is_strict else self.steps
        steps = ",\n".join(f"{step.name} AS ({step.sql})" for step in chosen)
        order = f" ORDER BY {self.order}" if self.order and is_ordered else ""
        return (
            f"WITH RECURSIVE lines(no, line) AS ({source}),\n{steps}\n"
            f"SELECT {result} FROM {self.last}{order}"
        )


def quoted(name: str) -> str:
    """Quote the name of a column."""
    return '"' + name.replace('"', '""') + '"'
