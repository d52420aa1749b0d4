"""From the text of an expression to its tree: operator precedence, bounded depth."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from trucyte.fhir.path.moment import read_literal
from trucyte.fhir.path.numbers import INTEGER_MAX
from trucyte.fhir.path.problems import PathSyntax
from trucyte.fhir.path.quantity import CALENDAR_WORDS, Quantity
from trucyte.fhir.path.syntax.lexer import Token, tokens
from trucyte.fhir.path.syntax.tree import (
    Binary,
    Call,
    Chain,
    Indexed,
    Literal,
    Name,
    Nothing,
    Signed,
    Special,
    Tree,
    TypeName,
    TypeTest,
    Variable,
)

NESTING_MAX: Final = 60  # of parentheses, arguments and signs
OPERANDS_MAX: Final = 250  # operators in a row
DIGITS_MAX: Final = 100  # of a number
STEPS_MAX: Final = 250  # of one path


# FHIRPath 2.0 chapter 6.8: the greater binds closer.
_BINDING = {
    "implies": 1,
    "or": 2, "xor": 2,
    "and": 3,
    "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, "<=": 6, ">": 6, ">=": 6,
    "|": 7,
    "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_UNARY = 11
_NAMES_TOO = frozenset({"is", "as", "in", "contains"})  # operators that may begin a path


def parse(text: str) -> Tree:
    """Return the tree of an expression. Raises `PathSyntax` with the place."""
    reader = _Reader(tokens(text))
    tree = reader.expression(0)
    if reader.here.kind != "end":
        raise PathSyntax(at=reader.here.at, reason="something follows that does not belong")
    return tree


class _Reader:
    """Reads words from left to right."""

    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._place = 0
        self._nesting = 0

    @property
    def here(self) -> Token:
        return self._words[self._place]

    def _next(self) -> Token:
        word = self._words[self._place]
        if word.kind != "end":
            self._place += 1
        return word

    def _is(self, symbol: str) -> bool:
        return self.here.kind == "symbol" and self.here.text == symbol

    def _take(self, symbol: str) -> None:
        if not self._is(symbol):
            raise PathSyntax(at=self.here.at, reason=f"{symbol} is missing")
        self._place += 1

    def expression(self, binding: int) -> Tree:
        """Read operands and operators that bind closer than `binding`."""
        self._nesting += 1
        if self._nesting > NESTING_MAX:
            raise PathSyntax(at=self.here.at, reason=f"it nests deeper than {NESTING_MAX}")
        tree = self._operand()
        for _ in range(OPERANDS_MAX):
            word = self.here
            strength = _BINDING.get(word.text, 0) if word.kind in ("symbol", "name") else 0
            if strength <= binding:
                self._nesting -= 1
                return tree
            self._place += 1
            if word.text in ("is", "as"):
                tree = TypeTest(word.text, tree, self._type(), word.at)
            else:
                tree = Binary(word.text, tree, self.expression(strength), word.at)
        raise PathSyntax(at=self.here.at, reason=f"more than {OPERANDS_MAX} operators in a row")

    def _operand(self) -> Tree:
        word = self.here
        if word.kind == "symbol" and word.text in ("+", "-"):
            self._place += 1
            return Signed(word.text, self.expression(_UNARY), word.at)
        first = self._primary()
        steps: list[Name | Call | Indexed] = []
        while len(steps) < STEPS_MAX:
            if self._is("."):
                self._place += 1
                steps.append(self._invocation())
            elif self._is("["):
                at = self._next().at
                steps.append(Indexed(self.expression(0), at))
                self._take("]")
            else:
                return Chain(first, tuple(steps), word.at) if steps else first
        raise PathSyntax(at=self.here.at, reason=f"a path has more than {STEPS_MAX} steps")

    def _primary(self) -> Tree:
        word = self.here
        readers: dict[str, Callable[[], Tree]] = {
            "number": self._number,
            "string": lambda: Literal(self._next().text, word.at),
            "moment": self._moment,
            "special": lambda: Special(self._next().text, word.at),
            "quoted": self._invocation,
            "name": lambda: self._named(word),
            "symbol": lambda: self._symbol(word),
        }
        if word.kind == "end":
            raise PathSyntax(at=word.at, reason="it ends too early")
        return readers[word.kind]()

    def _moment(self) -> Tree:
        word = self._next()
        moment = read_literal(word.text)
        if moment is None:
            raise PathSyntax(at=word.at, reason="there is no such date or time")
        return Literal(moment, word.at)

    def _named(self, word: Token) -> Tree:
        if word.text in ("true", "false"):
            self._place += 1
            return Literal(word.text == "true", word.at)
        if word.text in _BINDING and word.text not in _NAMES_TOO:
            raise PathSyntax(at=word.at, reason=f"an operand is missing before {word.text}")
        return self._invocation()

    def _symbol(self, word: Token) -> Tree:
        self._place += 1
        if word.text == "(":
            tree = self.expression(0)
            self._take(")")
            return tree
        if word.text == "{":
            self._take("}")
            return Nothing(word.at)
        if word.text == "%" and self.here.kind in ("name", "quoted", "string"):
            return Variable(self._next().text, word.at)
        raise PathSyntax(at=word.at, reason=f"{word.text} has no place here")

    def _number(self) -> Tree:
        word = self._next()
        if len(word.text) > DIGITS_MAX:
            raise PathSyntax(at=word.at, reason=f"a number has more than {DIGITS_MAX} digits")
        value: int | Decimal = Decimal(word.text) if "." in word.text else _whole(word)
        unit = self.here
        if unit.kind == "string":
            self._place += 1
            return Literal(Quantity(Decimal(value), unit.text), word.at)
        if unit.kind == "name" and unit.text in CALENDAR_WORDS:
            self._place += 1
            return Literal(Quantity(Decimal(value), CALENDAR_WORDS[unit.text]), word.at)
        return Literal(value, word.at)

    def _invocation(self) -> Name | Call:
        word = self._next()
        if word.kind not in ("name", "quoted"):
            raise PathSyntax(at=word.at, reason="a name is missing")
        if not self._is("("):
            return Name(word.text, word.at)
        self._place += 1
        arguments: list[Tree] = []
        while not self._is(")"):
            if arguments:
                self._take(",")
            arguments.append(self.expression(0))
        self._place += 1
        return Call(word.text, tuple(arguments), word.at)

    def _type(self) -> TypeName:
        word = self._next()
        if word.kind not in ("name", "quoted"):
            raise PathSyntax(at=word.at, reason="the name of a type is missing")
        if not self._is("."):
            return TypeName("", word.text, word.at)
        self._place += 1
        name = self._next()
        if name.kind not in ("name", "quoted"):
            raise PathSyntax(at=name.at, reason="the name of a type is missing")
        return TypeName(word.text, name.text, word.at)


def _whole(word: Token) -> int:
    digits = word.text.lstrip("0")
    if len(digits) > 10 or int(digits or "0") > INTEGER_MAX + 1:
        raise PathSyntax(at=word.at, reason="an integer is beyond 32 bits")
    return int(digits or "0")
