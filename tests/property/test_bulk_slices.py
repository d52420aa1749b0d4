"""However a file is cut, its slices are its lines, each once, with their numbers."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.intake.bulk.slices import slices
from trucyte.intake.limits import DEFAULT

LIMITS = replace(DEFAULT, line=60, bundle=200)
LINES = st.lists(st.binary(max_size=90).map(lambda b: b.replace(b"\n", b"")), max_size=30)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, size=st.integers(1, 80), has_end=st.booleans())
def test_slices_are_the_lines_of_a_file(lines: list[bytes], size: int, has_end: bool) -> None:
    data = b'{"a":1}\n' + b"\n".join(lines) + (b"\n" if has_end else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(data)
        parts = list(slices(path, LIMITS, size=size))
        again = list(slices(path, LIMITS, size=size, start=parts[0].end, line=1 + parts[0].lines))
    assert [part.start for part in parts] == [0, *(part.end for part in parts)][:-1]
    assert parts[-1].end == len(data)
    assert again == parts[1:]
    for part in parts:
        assert part.first_line == data.count(b"\n", 0, part.start) + 1
        body = data[part.start : part.end]
        assert body.endswith(b"\n") or part.end == len(data)
        assert part.lines == body.count(b"\n") or part.end == len(data)
        if part.is_too_long:
            assert max(map(len, body.split(b"\n"))) > LIMITS.line
