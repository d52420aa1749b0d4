"""Problems in the words of the reader: Vietnamese from a table, English from the class."""

import tomllib
from importlib.resources import files

from trucyte.base.problem import Problem

_FILE = "problems.vi.toml"


def wording(problem: Problem, language: str) -> str:
    """Return the message of `problem` in one line; English where the table has no other."""
    text = problem.message
    if language == "vi":
        template = _table().get(problem.code)
        text = template.format(**problem.facts) if template else text
    return " ".join(text.split())


def _table() -> dict[str, str]:
    text = files("trucyte.node").joinpath(_FILE).read_text(encoding="utf-8")
    return {code: str(template) for code, template in tomllib.loads(text).items()}
