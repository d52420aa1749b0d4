"""Have received files looked at by a scanner of the operator's own before they are read.

Two kinds: clamd's INSTREAM over a socket (clamd(8)), and any command that takes a file and
ends with 0 for a clean one and 1 for a bad one, as `clamscan` does. A file that is not clean
is never read; it lies in quarantine with the name the scanner gave. A scanner that does not
answer is never taken for one that found nothing.
"""

import re
import shlex
import socket
import struct
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from trucyte.base.problem import Kind, Problem
from trucyte.intake.unreadable import Unreadable

_CHUNK: Final = 1 << 18
_ANSWER_MAX: Final = 4096
_LENGTH: Final = struct.Struct(">I")
_FOUND: Final = re.compile(rb"(?:^|: )([^:\0]{1,200}) FOUND")
_PLACE: Final = "{file}"


class MalwareFound(Unreadable):
    """The scanner found {name} in the file; nothing of it was read."""

    code = "malware-found"


class ScanImpossible(Unreadable):
    """The scanner could not look at the whole file; nothing of it was read."""

    code = "scan-impossible"


class ScannerNotThere(Unreadable):
    """The scanner did not answer, and without it no file is read; try again later."""

    code = "scanner-not-there"


class ScannerAway(Problem):
    """The scanner of uploads does not answer; files wait until it does."""

    kind = Kind.UNAVAILABLE
    code = "scanner-away"


class ScannerUnknown(Problem):
    """uploads.scan is neither clamd:unix:PATH, clamd:tcp:HOST:PORT nor a command with {place}."""

    code = "scanner-unknown"


class Scanner(Protocol):
    """Looks at a file."""

    def scan(self, file: BinaryIO) -> None:
        """Look at a whole file from where it stands.

        Raises MalwareFound, ScanImpossible, ScannerAway.
        """


Scan = Callable[[BinaryIO], None]


@dataclass(frozen=True, slots=True)
class Clamd:
    """A clamd that listens at a socket."""

    address: str | tuple[str, int]  # of a unix socket, or host and port
    seconds_max: float

    def scan(self, file: BinaryIO) -> None:
        """Send the file and hear the verdict."""
        try:
            answer = self._ask(file)
        except OSError:
            raise ScannerAway from None
        found = _FOUND.search(answer)
        if found:
            raise MalwareFound(name=_plain(found[1]))
        if answer.rstrip(b"\0\n").endswith(b": OK"):
            return
        if b"size limit" in answer:
            raise ScanImpossible
        raise ScannerAway

    def _ask(self, file: BinaryIO) -> bytes:
        with self._connected() as line:
            line.sendall(b"zINSTREAM\0")
            try:
                while chunk := file.read(_CHUNK):
                    line.sendall(_LENGTH.pack(len(chunk)) + chunk)
                line.sendall(_LENGTH.pack(0))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough, and has said why
            return _answer(line)

    def _connected(self) -> socket.socket:
        if isinstance(self.address, tuple):
            return socket.create_connection(self.address, timeout=self.seconds_max)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(self.seconds_max)
            line.connect(self.address)
        except OSError:
            line.close()
            raise
        return line


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is started for each file."""

    words: Sequence[str]  # `{file}` stands for the file
    folder: Path  # where a copy lies meanwhile, which nobody else can read
    seconds_max: float

    def scan(self, file: BinaryIO) -> None:
        """Start the program and wait for its end."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder) as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
            copy.flush()
            words = [word.replace(_PLACE, copy.name) for word in self.words]
            try:
                done = subprocess.run(  # noqa: S603 - the operator's own command, without a shell
                    words,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=self.seconds_max,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                raise ScannerAway from None
        if done.returncode == 1:
            found = _FOUND.search(done.stdout)
            raise MalwareFound(name=_plain(found[1]) if found else "?")
        if done.returncode:
            raise ScannerAway


def make_scan(told: str, folder: Path, *, waits: bool, seconds_max: float) -> Scan | None:
    """Return what looks at files as a setting says; None where it says nothing.

    Where it does not wait for a scanner that is away, the file is refused. Raises
    ScannerUnknown.
    """
    scanner = _scanner(told, folder, seconds_max)
    if scanner is None:
        return None
    return scanner.scan if waits else _Refusing(scanner).scan


@dataclass(frozen=True, slots=True)
class _Refusing:
    """Refuses what a scanner that is away cannot look at."""

    scanner: Scanner

    def scan(self, file: BinaryIO) -> None:
        try:
            self.scanner.scan(file)
        except ScannerAway:
            raise ScannerNotThere from None


def _scanner(told: str, folder: Path, seconds_max: float) -> Scanner | None:
    if not told:
        return None
    kind, _, rest = told.partition(":")
    if kind == "clamd":
        way, _, place = rest.partition(":")
        host, _, port = place.rpartition(":")
        if way == "unix" and place.startswith("/"):
            return Clamd(place, seconds_max)
        if way == "tcp" and host and port.isdecimal():
            return Clamd((host.strip("[]"), int(port)), seconds_max)
        raise ScannerUnknown(place=_PLACE)
    words = shlex.split(told)
    if not any(_PLACE in word for word in words[1:]):
        raise ScannerUnknown(place=_PLACE)
    return Command(words, folder, seconds_max)


def _answer(line: socket.socket) -> bytes:
    parts = b""
    while b"\0" not in parts and len(parts) < _ANSWER_MAX:
        part = line.recv(_ANSWER_MAX)
        if not part:
            break
        parts += part
    return parts


def _plain(name: bytes) -> str:
    """Return the name of a find as it can be shown: whoever made the file may have chosen it."""
    return re.sub(r"[^\w.+-]", "_", name.decode("ascii", "replace"), flags=re.ASCII)[:80]
