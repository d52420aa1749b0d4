"""How fast claims files are read, and in how much memory: one core, no database.

    python -m bench.reading [--gigabytes 1]

An envelope of that size is made on the fly, cut into visits, and each visit parsed to
its tables; then only cut. The envelope never exists as a whole.
"""

import argparse
import resource
import time
from collections.abc import Iterator

from bench.record import record
from tests.claims_files import SUMMARY, envelope, file, hoso, medicines, summary
from trucyte.intake.claims.read import VisitReader
from trucyte.intake.limits import DEFAULT
from trucyte.intake.reading import Reading

DRUG = {
    "STT": "1", "MA_THUOC": "40.48", "TEN_THUOC": "Thuốc mẫu", "LIEU_DUNG": "1 viên * 2 lần",
    "SO_LUONG": "10.000", "DON_GIA": "350.000", "THANH_TIEN_BV": "3500.00", "NGAY_YL": "1",
}  # fmt: skip
ROWS = 40


class Stream:
    """Chunks as something to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._held) < size and (chunk := next(self._chunks, b"")):
            self._held += chunk
        found = bytes(self._held[:size])
        del self._held[:size]
        return found


def chunks(visits: int) -> Iterator[bytes]:
    """Give the envelope of so many visits of about 20 kB."""
    head, tail = envelope(["@"]).split(b"@")
    yield head
    for number in range(visits):
        link = f"LK-{number}"
        rows = [DRUG | {"STT": str(n), "CACH_DUNG": "x" * 20} for n in range(ROWS)]
        files = (
            file("XML1", summary(MA_LK=link, MA_BN=f"BN-{number}", **_NOTE)),
            file("XML2", medicines(*rows, link=link)),
        )
        yield hoso(*files).encode()
    yield tail


_NOTE = {"GHI_CHU": "Uống thuốc theo đơn. " * 20, "DIA_CHI": SUMMARY["HO_TEN"]}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    told = parser.parse_args()
    one = next(part for n, part in enumerate(chunks(1)) if n == 1)
    visits = int(told.gigabytes * 2**30 / len(one))
    repeated = [*chunks(200)]
    middle = repeated[1:-1]

    def stream() -> Stream:
        body = (middle[n % len(middle)] for n in range(visits))
        return Stream(_all(repeated[0], body, repeated[-1]))

    began = time.perf_counter()
    count = sum(1 for _ in Reading(stream()))
    cutting = time.perf_counter() - began
    reader, rows = VisitReader(DEFAULT), 0
    began = time.perf_counter()
    for piece in Reading(stream()):
        rows += sum(map(len, reader.read(piece).tables.values()))
    reading = time.perf_counter() - began
    size = visits * len(one) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    record(
        "reading",
        {
            "cut": (size / cutting, "MB/s"),
            "read": (size / reading, "MB/s"),
            "row": (reading / rows * 1e6, "µs"),
            "visit": (reading / visits * 1e3, "ms"),
            "peak memory": (peak, "MB"),
        },
        f"{count} visits, {size:.0f} MB, one core",
    )


def _all(head: bytes, body: Iterator[bytes], tail: bytes) -> Iterator[bytes]:
    yield head
    yield from body
    yield tail


if __name__ == "__main__":
    main()
