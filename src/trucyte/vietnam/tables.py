"""The packaged data of the country, read through one loader.

Everything in `vietnam/data/` is a TOML or tab-separated file with its source and whether
it was verified; nothing else in this package reads files.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


def read_toml(name: str) -> dict[str, Any]:
    """Return the packaged TOML file `data/<name>.toml`."""
    return tomllib.loads(_text(f"{name}.toml"))


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of the packaged `data/<name>.tsv`: first line names, `#` comments."""
    lines = [line for line in _text(f"{name}.tsv").splitlines() if line and line[0] != "#"]
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"), strict=False)) for line in lines[1:]]


def read_generated(name: str) -> bytes | None:
    """Return a file that set-up wrote under `generated/`, or None where it has not run."""
    file = resources.files("trucyte.vietnam") / "generated" / name
    return file.read_bytes() if file.is_file() else None


@cache
def _text(name: str) -> str:
    return (resources.files("trucyte.vietnam") / "data" / name).read_text(encoding="utf-8")
