"""Rows a second of flat views over NDJSON, on one core.

    PYTHONPATH=src python bench/views.py [VISITS] [ROWS]

Makes a synthetic country's resources, repeats those of one type to ROWS lines and runs a view
over them: reading, SQL, and rows as NDJSON, CSV or nothing but Parquet's lines. CPU seconds of
the whole process count, so that a busy machine does not change the figure much.
"""

import io
import json
import sys
import time
from pathlib import Path

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.text import scan
from trucyte.fhir.view.definition import read_view
from trucyte.insight.views.chunks import chunks
from trucyte.insight.views.formats import Format
from trucyte.insight.views.run import Prepared, prepare, run
from trucyte.synth.run import Options, resources

DEFINITIONS = Path(__file__).parents[1] / "src/trucyte/fhir/generated/r4.definitions"


def columns(**paths: str) -> list[dict[str, object]]:
    return [{"column": [{"name": name, "path": path} for name, path in paths.items()]}]


VIEWS = {
    "Observation": columns(
        id="getResourceKey()",
        patient="subject.getReferenceKey(Patient)",
        status="status",
        code="code.coding.first().code",
        system="code.coding.first().system",
        effective="effective.ofType(dateTime)",
        value="value.ofType(Quantity).value",
        unit="value.ofType(Quantity).unit",
    ),
    "Patient": columns(
        id="getResourceKey()",
        gender="gender",
        birth_date="birthDate",
        name="name.first().text",
        number="identifier.where(system = 'http://fhir.hl7.org.vn/core/sid/cccd').value.first()",
        address="address.first().text",
    ),
}


def bulk(prepared: Prepared, data: bytes, form: Format) -> None:
    start, wall = time.process_time(), time.perf_counter()
    count = sum(
        made.count for made in run(prepared, chunks(io.BytesIO(data), "-"), form, workers=1)
    )
    spent, waited = time.process_time() - start, time.perf_counter() - wall
    name = prepared.view.resource
    print(
        f"{name:12} {form.value:8} {count:,} rows, {len(data) / count:,.0f} bytes each: "
        f"{count / spent:,.0f} rows/s per CPU second, {count / waited:,.0f} by the clock"
    )


def single(prepared: Prepared, lines: list[bytes]) -> None:
    parsed = [scan(line).resource for line in lines]
    start = time.process_time()
    count = sum(len(prepared.rows.of(resource)) for resource in parsed)
    spent = time.process_time() - start
    print(f"{prepared.view.resource:12} closures {count / spent:,.0f} rows/s per CPU second")


def main() -> None:
    visits, rows = (int(word) for word in (*sys.argv[1:], "300", "200000")[:2])
    definitions = Definitions.load(DEFINITIONS.read_bytes())
    made = list(resources(Options(visits=visits, seed=7)))
    for name, select in VIEWS.items():
        kind = f'"resourceType":"{name}"'.encode()
        lines = [body for body in made if kind in body]
        data = b"\n".join((lines * (rows // len(lines) + 1))[:rows]) + b"\n"
        view = read_view(json.dumps({"resource": name, "select": select}).encode(), definitions)
        prepared = prepare(view, definitions)
        for form in Format:
            bulk(prepared, data, form)
        single(prepared, lines[:2000])


if __name__ == "__main__":
    main()
