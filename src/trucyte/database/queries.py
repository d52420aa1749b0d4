"""Fixed SQL lives in `.sql` files beside its package, each query under its name.

A query begins at a comment line that holds one word, its name, and ends before the next
one. The shape, a `NamedTuple` with one `str` a query, is checked at load: a name that is
missing, unknown, doubled or without SQL is a defect found when the program starts.

    class Queries(NamedTuple):
        append_changes: str

    QUERIES = load_queries(Queries, "trucyte.journal")
"""

import inspect
import re
from collections.abc import Callable
from importlib.resources import files
from typing import TypeVar

_NAME = re.compile(r"^--[ \t]+([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


Named = TypeVar("Named")


def load_queries(shape: Callable[..., Named], package: str, file: str = "queries.sql") -> Named:
    """Read the named queries of `file` in `package` into `shape`."""
    found = parse_queries(files(package).joinpath(file).read_text(encoding="utf-8"))
    wanted = inspect.signature(shape).parameters.keys()
    assert found.keys() == wanted, (
        f"{package}/{file}: unknown {sorted(found.keys() - wanted)}, "
        f"missing {sorted(wanted - found.keys())}"
    )
    return shape(**found)


def parse_queries(text: str) -> dict[str, str]:
    """Split `text` into its named queries; comments of a query stay with it."""
    pieces = _NAME.split(text)
    before, names, bodies = pieces[0], pieces[1::2], pieces[2::2]
    assert _is_comment(before), "SQL before the first name"
    assert len(names) == len(set(names)), f"doubled names: {sorted(names)}"
    queries = {name: body.strip() for name, body in zip(names, bodies, strict=True)}
    empty = [name for name, body in queries.items() if _is_comment(body)]
    assert not empty, f"names without SQL: {empty}"
    return queries


def _is_comment(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return all(not line or line.startswith("--") for line in lines)
