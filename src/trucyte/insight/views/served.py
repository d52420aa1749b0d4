"""A view over what a node holds, as bytes that are made while they are sent.

Whole chunks are read within the caller's permission and turned into rows; memory is bounded
by one chunk. A row that cannot be made ends the answer with the reason: rows left out in
silence would be wrong figures.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from trucyte.base.clock import VIETNAM, Clock
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.view.definition import View, read_view
from trucyte.insight.views.chunks import Chunk
from trucyte.insight.views.formats import Format, header
from trucyte.insight.views.parquet import ParquetFile
from trucyte.insight.views.run import Made, Prepared, prepare
from trucyte.insight.views.run import run as run_view
from trucyte.records import Access, Records

_PAGE: Final = 1000
_PIECE: Final = 1 << 18
_PERSONS_AT_ONCE: Final = 100
_GIVEN: Final = "resource"


class Source(Protocol):
    """Gives the bodies a view is about."""

    def bodies(
        self,
        access: Access,
        type: str,
        patients: Sequence[str] | None,
        since: datetime | None,
    ) -> Iterator[Sequence[bytes]]:
        """Yield current bodies of a type in groups; `patients` are references, None: all."""
        ...


class SearchedSource:
    """Bodies found page by page: stable while writes go on."""

    def __init__(self, records: Records, definitions: Definitions) -> None:
        """Search `records`; whose a resource is, the Patient compartment says."""
        self._records = records
        self._within = definitions.compartments["Patient"].resources

    def bodies(
        self,
        access: Access,
        type: str,
        patients: Sequence[str] | None,
        since: datetime | None,
    ) -> Iterator[Sequence[bytes]]:
        """Yield current bodies of a type in groups; `patients` are references, None: all.

        A type that is in no patient's compartment gives nothing where patients are named.
        """
        pairs = [("_count", str(_PAGE))]
        if since is not None:
            pairs.append(("_lastUpdated", f"ge{since.isoformat()}"))
        if patients is None:
            yield from self._pages(access, type, pairs)
            return
        seen: set[str] = set()  # one of two patients is found twice
        for start in range(0, len(patients), _PERSONS_AT_ONCE):
            for asked in self._of(type, patients[start : start + _PERSONS_AT_ONCE]):
                yield from self._pages(access, type, [*pairs, asked], seen)

    def _of(self, type: str, patients: Sequence[str]) -> Iterator[tuple[str, str]]:
        if type == "Patient":
            yield "_id", ",".join(one.removeprefix("Patient/") for one in patients)
            return
        for code in self._within.get(type, ()):
            yield code, ",".join(patients)

    def _pages(
        self,
        access: Access,
        type: str,
        pairs: Sequence[tuple[str, str]],
        seen: set[str] | None = None,
    ) -> Iterator[Sequence[bytes]]:
        page = self._records.search(access, type, pairs)
        while True:
            kept = [one for one in page.entries if seen is None or one.id not in seen]
            if seen is not None:
                seen.update(one.id for one in kept)
            yield [one.body for one in kept]
            if not page.next:
                return
            page = self._records.next_page(access, page.next)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one run is asked for."""

    view: bytes  # ViewDefinition as JSON
    form: Format
    as_array: bool = False  # NDJSON's rows as one JSON array
    with_header: bool = True  # of CSV
    limit: int | None = None  # rows
    patients: Sequence[str] | None = None  # references
    since: datetime | None = None
    resources: Sequence[bytes] | None = None  # instead of what the node holds


class ViewRunner:
    """Runs views for callers."""

    def __init__(
        self, definitions: Definitions, source: Source, clock: Clock, scratch: Path
    ) -> None:
        """Read from `source`; `scratch` is a private folder for typed files while they grow."""
        self._definitions = definitions
        self._source = source
        self._clock = clock
        self._scratch = scratch

    def run(self, access: Access, asked: Asked) -> Iterator[bytes]:
        """Return the rows as they are made.

        Raises ViewMalformed, ViewPathRefused at once, what a row or the records raise on the
        way.
        """
        view = read_view(asked.view, self._definitions)
        prepared = prepare(view, self._definitions, self._clock.now().astimezone(VIETNAM))
        made = self._made(access, view, prepared, asked)
        if asked.form is Format.PARQUET:
            return self._parquet(prepared, made)
        return _text(prepared, made, asked)

    def _made(self, access: Access, view: View, prepared: Prepared, asked: Asked) -> Iterator[Made]:
        """Yield the rows of one chunk after another, up to the limit."""
        left = asked.limit
        pieces = run_view(prepared, self._chunks(access, view, asked), asked.form, workers=1)
        with closing(pieces):
            for made in pieces:
                if made.faults:
                    raise made.faults[0].problem
                if left is not None and made.count >= left:
                    yield Made(first_rows(made.text, left, asked.form), left)
                    return
                left = None if left is None else left - made.count
                yield made

    def _chunks(self, access: Access, view: View, asked: Asked) -> Iterator[Chunk]:
        groups: Iterable[Sequence[bytes]]
        if asked.resources is not None:
            groups = [[one for one in asked.resources if _is_of(one, view.resource)]]
        elif asked.limit == 0:
            return
        else:
            groups = self._source.bodies(access, view.resource, asked.patients, asked.since)
        first = 1
        for bodies in groups:
            # Between tokens alone can there be an end of line: in texts it is escaped.
            lines = [body.replace(b"\n", b" ").replace(b"\r", b" ") for body in bodies]
            if lines:
                yield Chunk(_GIVEN, first, b"\n".join(lines).decode(), len(lines), ())
                first += len(lines)

    def _parquet(self, prepared: Prepared, pieces: Iterator[Made]) -> Iterator[bytes]:
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._scratch) as name:
            folder = Path(name)
            target = folder / "rows.parquet"
            with closing(ParquetFile(target, folder, prepared.fields)) as file:
                for made in pieces:
                    refused = file.add(made.text)
                    if refused:
                        raise refused[0]
                file.finish()
            with target.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    yield piece


def _text(prepared: Prepared, pieces: Iterator[Made], asked: Asked) -> Iterator[bytes]:
    if asked.as_array:
        separator = b"["
        for made in pieces:
            if made.text:
                yield separator + made.text[:-1].replace("\n", ",").encode()
                separator = b","
        yield b"[]" if separator == b"[" else b"]"
        return
    # With the first rows, so that what is wrong with these is still said with a status.
    ahead = header(prepared.fields, asked.form) if asked.with_header else ""
    for made in pieces:
        if made.text:
            yield (ahead + made.text).encode()
            ahead = ""
    if ahead:
        yield ahead.encode()


def _is_of(body: bytes, type: str) -> bool:
    return bool(parse(body).get("resourceType") == type)


def first_rows(text: str, count: int, form: Format) -> str:
    """Return the first rows of some; a cell of CSV may hold ends of lines between its marks."""
    at = 0
    for _ in range(count):
        at = text.index("\n", at) + 1
        while form is Format.CSV and text.count('"', 0, at) % 2:
            at = text.index("\n", at) + 1
    return text[:at]
