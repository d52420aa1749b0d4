"""Files of a form, written to disk as they come.

They go to a folder of the node's choosing and not to the system's temporary one, which is
memory on many machines: a file of a gigabyte must not cost a gigabyte of it. A form that
breaks off gives no file at all.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

FILES_MAX = 500
FIELD_BYTES_MAX = 1024  # of all other fields together; what is longer is passed over


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file of a form; the caller closes it."""

    name: str  # as sent
    file: BinaryIO  # at its beginning


async def read_files(
    request: Request, *, field_name: str, bytes_max: int, folder: Path | None
) -> tuple[Sequence[SentFile], Sequence[tuple[str, str]]]:
    """Return the files sent under `field_name`, in order, and the short fields of the form.

    Raises HTTPException 400 for what is no complete form, 413 beyond `bytes_max` or 500 files.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise HTTPException(400)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > bytes_max:
        raise HTTPException(413)
    parts = _Parts(field_name, folder)
    try:
        await _feed(request, MultipartParser(options[b"boundary"], parts.callbacks), bytes_max)
        if not parts.is_complete:
            raise HTTPException(400)
        for sent in parts.files:
            sent.file.seek(0)
    except BaseException:
        parts.close()
        raise
    return parts.files, [(name, value.decode("utf-8", "replace")) for name, value in parts.fields]


async def _feed(request: Request, parser: MultipartParser, bytes_max: int) -> None:
    came = 0
    async for chunk in request.stream():
        came += len(chunk)
        if came > bytes_max:
            raise HTTPException(413)
        try:
            await run_in_threadpool(parser.write, chunk)
        except MultipartParseError:
            raise HTTPException(400) from None


@dataclass(slots=True)
class _Parts:
    """What the parser calls, part by part."""

    wanted: str
    folder: Path | None
    files: list[SentFile] = field(default_factory=list)
    fields: list[tuple[str, bytearray]] = field(default_factory=list)
    field_bytes: int = 0
    is_complete: bool = False
    current: BinaryIO | None = None
    text: bytearray | None = None
    name: bytes = b""
    value: bytes = b""
    disposition: bytes = b""

    @property
    def callbacks(self) -> Any:
        """The table of callbacks that the parser takes."""
        table: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        return table

    def close(self) -> None:
        """Drop every file."""
        for sent in self.files:
            sent.file.close()

    def _begin(self) -> None:
        self.current, self.disposition, self.text = None, b"", None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def _header_end(self) -> None:
        if self.name.lower() == b"content-disposition":
            self.disposition = self.value
        self.name, self.value = b"", b""

    def _open(self) -> None:
        """Make a file for a part that has a name of one; an empty name means none was chosen."""
        _, options = parse_options_header(self.disposition.decode("latin-1"))
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        if b"name" in options and b"filename" not in options:
            self.text = bytearray()
            if self._has_room(len(options[b"name"])):
                self.fields.append((options[b"name"].decode("utf-8", "replace"), self.text))
        if options.get(b"name") != self.wanted.encode() or not name:
            return
        if len(self.files) >= FILES_MAX:
            raise HTTPException(413)
        self.current = cast(BinaryIO, tempfile.TemporaryFile(dir=self.folder))  # noqa: SIM115 - lives in `files`
        self.files.append(SentFile(name, self.current))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.current is not None:
            self.current.write(data[start:end])
        elif self.text is not None and self._has_room(end - start):
            self.text += data[start:end]

    def _has_room(self, more: int) -> bool:
        """Say whether fields may grow by so much; what is beyond is passed over."""
        self.field_bytes += more
        return self.field_bytes <= FIELD_BYTES_MAX

    def _end(self) -> None:
        self.is_complete = True
