"""The tree an expression is read into. `at` is the place of a node in the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: bool, int, Decimal, str, Moment or Quantity."""

    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """The empty collection, `{}`."""

    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """An element of the focus, or at the start of a path the type of the focus."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Special:
    """`$this`, `$index` or `$total`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A `%name`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the focus."""

    name: str
    arguments: tuple["Tree", ...]
    at: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """`[index]` on the focus."""

    index: "Tree"
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps one after another, each with the result of the one before as its focus."""

    first: "Tree"
    steps: tuple["Name | Call | Indexed", ...]
    at: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A sign before an operand."""

    sign: str
    operand: "Tree"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    operator: str
    left: "Tree"
    right: "Tree"
    at: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type, with its namespace where one is written ("FHIR", "System")."""

    namespace: str
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`operand is Type` or `operand as Type`."""

    operator: str
    operand: "Tree"
    type: TypeName
    at: int


Tree = (
    Literal | Nothing | Name | Special | Variable | Call | Indexed | Chain
    | Signed | Binary | TypeTest
)  # fmt: skip


def type_name(tree: Tree) -> TypeName | None:
    """Read a tree as the name of a type, as `ofType(FHIR.Patient)` writes one."""
    match tree:
        case Name(name, at):
            return TypeName("", name, at)
        case Chain(Name(namespace, at), (Name(name),)):
            return TypeName(namespace, name, at)
    return None


def parts(tree: Tree) -> Iterator[Tree]:
    """Walk a tree, itself included."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case Chain(first, steps):
                waiting += [first, *steps]
            case Call(arguments=arguments):
                waiting += arguments
            case Indexed(index):
                waiting.append(index)
            case Binary(left=left, right=right):
                waiting += [left, right]
            case Signed(operand=operand) | TypeTest(operand=operand):
                waiting.append(operand)
