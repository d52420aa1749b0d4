"""Open a zip as this node allows it: no way out of its folder, no bomb, no secret.

Everything is checked from the directory before a byte is unpacked; nothing is ever
written to a disk under a name from the zip.
"""

import itertools
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from trucyte.intake.limits import Limits
from trucyte.intake.unreadable import (
    ZipBomb,
    ZipBroken,
    ZipEncrypted,
    ZipMethodUnknown,
    ZipNested,
    ZipPathOutside,
)

_ENCRYPTED = 0x1
_SYMLINK = 0o120000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error)
_IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini"})


def open_zip(file: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    """Return a zip whose directory is safe to read; raises `Unreadable`."""
    try:
        archive = zipfile.ZipFile(file)
    except (*_BROKEN, ValueError, NotImplementedError):
        raise ZipBroken() from None
    check_directory(archive.infolist(), limits)
    return archive


def check_directory(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Check all names, flags and sizes; raises `Unreadable`."""
    if len(entries) > limits.zip_files:
        raise ZipBomb(why="too many files")
    if sum(entry.file_size for entry in entries) > limits.zip_unpacked:
        raise ZipBomb(why="too large")
    for entry in entries:
        _check_entry(entry, limits)
    places = sorted((entry.header_offset, entry.compress_size) for entry in entries)
    for (offset, size), (following, _) in itertools.pairwise(places):
        if offset + size > following:
            raise ZipBomb(why="files that overlap")


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    if not is_inside(entry.filename) or (entry.external_attr >> 16) & 0o170000 == _SYMLINK:
        raise ZipPathOutside()
    if entry.flag_bits & _ENCRYPTED:
        raise ZipEncrypted()
    is_large = entry.file_size > limits.zip_ratio_from
    if is_large and entry.file_size > limits.zip_ratio * max(1, entry.compress_size):
        raise ZipBomb(why="packed too tightly")
    if entry.compress_type not in _METHODS:
        raise ZipMethodUnknown()
    if entry.filename.lower().endswith((".zip", ".7z", ".rar", ".gz")):
        raise ZipNested()


def is_inside(name: str) -> bool:
    """Say whether a name in a zip stays inside the folder it is unpacked to."""
    plain = name.replace("\\", "/")
    has_drive = len(plain) > 1 and plain[1] == ":"
    path = PurePosixPath(plain)
    return bool(plain) and not (has_drive or path.is_absolute() or ".." in path.parts)


def files_of(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Yield the files of a zip in the order of its directory; hidden ones are skipped."""
    for entry in archive.infolist():
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        is_hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        if not (entry.is_dir() or is_hidden or parts[-1].lower() in _IGNORED_NAMES):
            yield entry


@contextmanager
def open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[BinaryIO]:
    """Open one file of a zip; raises `ZipBroken` where its bytes or its own header are damaged."""
    try:
        file = archive.open(entry)
    except (*_BROKEN, ValueError, RuntimeError):  # a header at odds with the directory
        raise ZipBroken() from None
    with file:
        try:
            yield cast("BinaryIO", file)
        except _BROKEN:
            raise ZipBroken() from None
