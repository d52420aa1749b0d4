"""Problems in the words of the reader: Vietnamese from a table, English from the class.

One table serves the command line, the pages and the API, so that a problem is said the
same everywhere.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from trucyte.base.problem import Problem

_FILE = "problems.vi.toml"


def wording(problem: Problem, language: str) -> str:
    """Return the message of `problem` in one line; English where the table has no other."""
    text = problem.message
    if language == "vi":
        template = vietnamese_wordings().get(problem.code)
        text = template.format_map(_Facts(problem.facts)) if template else text
    return " ".join(text.split())


@cache
def vietnamese_wordings() -> Mapping[str, str]:
    """Return the Vietnamese templates by problem code."""
    text = files("trucyte.base").joinpath(_FILE).read_text(encoding="utf-8")
    return {code: str(template) for code, template in tomllib.loads(text).items()}


class _Facts(dict[str, str | int]):
    """Facts that show a question mark where one is missing: a message is never lost to that."""

    def __missing__(self, name: str) -> str:
        return "?"
