"""Sending files by the page: one or many, with script or without."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from starlette.responses import JSONResponse, RedirectResponse, Response

from trucyte.web.render import Call

CHUNK_BYTES = 1 << 18
DOOR = "upload"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def form(call: Call) -> Response:
    """Show the drop zone on a page of its own."""
    return call.page("upload.html", is_missing=False)


def receive(call: Call) -> Response:
    """Keep the files sent and queue them; a script gets the place of its one file."""
    if not call.files:
        return call.page("upload.html", http_status=422, is_missing=True)
    numbers = [
        call.services.receipts.receive(base_name(sent.name), DOOR, _chunks(sent.file)).number
        for sent in call.files
    ]
    place = f"/files/{numbers[0]}" if len(set(numbers)) == 1 else "/files"
    if "application/json" in call.request.headers.get("accept", ""):
        return JSONResponse({"files": numbers}, status_code=201, headers={"Location": place})
    return RedirectResponse(place, status_code=303)


def base_name(name: str) -> str:
    """Return the last part of a path of any system, without control characters, at most 200."""
    last = re.split(r"[\\/]", name)[-1]
    return _UNPRINTABLE.sub("", last)[-200:] or "unnamed"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
