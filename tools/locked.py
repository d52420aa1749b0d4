"""What the locked requirement files say: names, versions, hashes, and where they hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LINE = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)(\s*;\s*(?P<marker>[^\\]+?))?"
    r"(?P<hashes>(\s+--hash=sha256:[0-9a-f]{64})*)\s*$"
)


@dataclass(frozen=True, slots=True)
class Locked:
    """One version of one package that a file locks."""

    name: str  # normalised: lower case, "-" between the parts
    version: str
    marker: str  # where it holds; "": everywhere
    hashes: tuple[str, ...]  # SHA-256 of each distribution, hex


class NotLockedError(ValueError):
    """A line of a requirement file that locks nothing."""


def locked(file: Path) -> Iterator[Locked]:
    """Yield what a requirement file locks; raises NotLockedError for a line that does not."""
    joined = re.sub(r"\\\n", " ", file.read_text(encoding="utf-8"))
    for line in joined.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None:
            raise NotLockedError(f"{file.name}: {line.split(maxsplit=1)[0][:80]}")
        hashes = tuple(part.rpartition(":")[2] for part in found["hashes"].split())
        marker = (found["marker"] or "").strip()
        yield Locked(normalised(found["name"]), found["version"], marker, hashes)


def normalised(name: str) -> str:
    """Return a package's name as all spellings of it are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
