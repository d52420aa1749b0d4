"""The words of an expression (FHIRPath 2.0, appendix B), each with its place."""

import re
from dataclasses import dataclass
from typing import Final

from trucyte.fhir.path.problems import PathSyntax

LENGTH_MAX: Final = 64 * 1024
_DATE = r"\d{4}(?:-\d\d(?:-\d\d)?)?"
_TIME = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_ZONE = r"(?:Z|[+-]\d\d:\d\d)"
_TOKEN = re.compile(
    rf"""
      (?P<space>   [ \t\r\n\ufeff\u00a0]+ | //[^\r\n]* | /\*.*?\*/ )
    | (?P<moment>  @T{_TIME} | @{_DATE}(?:T(?:{_TIME}{_ZONE}?)?)? )
    | (?P<number>  \d+(?:\.\d+)? )
    | (?P<name>    [A-Za-z_][A-Za-z0-9_]* )
    | (?P<string>  '(?:[^'\\]|\\.)*' )
    | (?P<quoted>  `(?:[^`\\]|\\.)*` )
    | (?P<special> \$(?:this|index|total)\b )
    | (?P<symbol>  <= | >= | != | !~ | [-+*/&|=~<>.,()\[\]{{}}%] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind, its text without quotes and escapes, its place."""

    kind: str  # moment, number, name, string, quoted, special, symbol, end
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Cut an expression into its words, an end behind them. Raises `PathSyntax`."""
    if len(text) > LENGTH_MAX:
        raise PathSyntax(at=LENGTH_MAX, reason=f"it is longer than {LENGTH_MAX} characters")
    found = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise PathSyntax(at=at, reason=_why(text, at))
        kind = match.lastgroup or ""
        if kind in ("string", "quoted"):
            found.append(Token(kind, _unescape(match[0][1:-1]), at))
        elif text.startswith("/*", at) and kind == "symbol":
            raise PathSyntax(at=at, reason="a comment does not end")
        elif kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    found.append(Token("end", "", at))
    return found


def _why(text: str, at: int) -> str:
    if text[at] in "'`":
        return "a quoted text does not end"
    return "a date or time is malformed" if text[at] == "@" else "this character has no place here"


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    # A backslash before any other character is passed over (FHIRPath 2.0 4.1.2).
    return _ESCAPED.get(code, code)
