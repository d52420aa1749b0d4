"""What an expression is while it is made into SQL: its type, its form and its text.

A collection is a single value (NULL: nothing) where the definitions allow one element
at most, else a LIST, which is never NULL. A path of elements is kept as a JSONPath as
long as nothing stands between its steps, so that one extraction reads it all.
"""

from dataclasses import dataclass, replace
from typing import Final

from trucyte.fhir.definitions import Element
from trucyte.fhir.view.forms import Form
from trucyte.fhir.view.problems import NotInSql

ROOT: Final = "_r"  # the whole resource


@dataclass(frozen=True, slots=True)
class Value:
    """A collection in SQL: `base`, and the elements at `path` below it."""

    type: str  # of FHIR ("HumanName") or of the language ("Integer")
    form: Form
    base: str  # SQL of JSON where there is a path, of the values themselves else
    is_base_many: bool = False
    path: str = ""  # ".name[*].family"
    choice: Element | None = None  # a choice element before ofType; base and path are its owner's
    number: str = ""  # SQL of a computed number, in place of the digits of a decimal
    literal: int | None = None  # an integer that the view writes

    @property
    def is_many(self) -> bool:
        """Whether it may hold more than one item."""
        return self.is_base_many or "[*]" in self.path

    @property
    def is_plain_list(self) -> bool:
        """Whether it is one array of the JSON, whose items have a place in a JSONPath."""
        return not self.is_base_many and self.path.endswith("[*]") and self.path.count("[*]") == 1

    def item(self, place: int) -> "Value":
        """Return the item at a place of a plain list."""
        return replace(self, path=self.path.removesuffix("[*]") + f"[{place}]")

    def at(self, key: str, type_name: str, form: Form, *, is_array: bool) -> "Value":
        """Return the children under a JSON key."""
        path = f"{self.path}.{key}[*]" if is_array else f"{self.path}.{key}"
        return replace(self, type=type_name, form=form, path=path, choice=None)


class Reads:
    """What is read of the whole resource, each path once: texts, or JSON as a text.

    A resource is parsed as often as it is extracted from; with all paths in one list that
    is once, however many columns there are.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.paths: dict[str, int] = {}

    def read(self, path: str) -> str:
        """Return SQL of what is at a path without wildcards."""
        return f"_v[{self.paths.setdefault(path, len(self.paths) + 1)}]"


class Writer:
    """Writes values as SQL, with names for what lambdas go over and for parameters."""

    def __init__(self) -> None:
        """Begin with no name used."""
        self.reads = Reads()
        self.parameters: dict[str, object] = {}
        self._names = 0

    def name(self) -> str:
        """Return a new name."""
        self._names += 1
        return f"_x{self._names}"

    def parameter(self, value: object) -> str:
        """Return SQL of a value that the view gives; it never enters the text itself."""
        for name, known in self.parameters.items():
            if known == value and type(known) is type(value):
                return f"${name}"
        name = f"p{len(self.parameters) + 1}"
        self.parameters[name] = value
        return f"${name}"

    def sql(self, value: Value) -> str:
        """Return SQL of all items of a value, a LIST where there may be many."""
        if value.choice is not None:
            raise NotInSql("a choice element without ofType")
        if not value.path:
            return value.base
        if not value.is_base_many:
            return self._read(value.base, value.path, value.form)
        item = self.name()
        read = self._read(item, value.path, value.form)
        made = f"list_transform({value.base}, lambda {item}: {read})"
        if "[*]" in value.path:
            return f"flatten({made})"
        other = self.name()
        return f"list_filter({made}, lambda {other}: {other} IS NOT NULL)"

    def one(self, value: Value) -> str:
        """Return SQL of the only item, NULL without one; more than one is an error."""
        text = self.sql(value)
        if not value.is_many:
            return text
        return f"(CASE WHEN len({text}) > 1 THEN error('many') ELSE ({text})[1] END)"

    def many(self, value: Value) -> str:
        """Return SQL of all items as a LIST."""
        text = self.sql(value)
        return text if value.is_many else f"(CASE WHEN {text} IS NULL THEN [] ELSE [{text}] END)"

    def exists(self, value: Value) -> str:
        """Return SQL of whether there is any item."""
        if value.choice is not None:
            parts = [
                self.exists(value.at(key, name, Form.JSON, is_array=False))
                for key, name in value.choice.choices.items()
            ]
            return f"({' OR '.join(parts)})"
        text = self.sql(value)
        return f"(len({text}) > 0)" if value.is_many else f"({text} IS NOT NULL)"

    def _read(self, base: str, path: str, form: Form) -> str:
        extract = "json_extract" if form is Form.JSON else "json_extract_string"
        if base == ROOT:
            member, mark, rest = path.partition("[*]")
            if not mark:
                return _cast(self.reads.read(path), form, is_many=False)
            base, path = self.reads.read(member), mark + rest
        text = _cast(f"{extract}({base}, '${path}')", form, is_many="[*]" in path)
        # Nothing to read from is NULL, but a LIST never is.
        return f"coalesce({text}, [])" if "[*]" in path else text


def _cast(text: str, form: Form, *, is_many: bool) -> str:
    if form not in (Form.BOOLEAN, Form.INTEGER):
        return text
    return f"CAST({text} AS {form.value}{'[]' if is_many else ''})"
