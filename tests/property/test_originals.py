"""Originals come back exactly, whatever they are."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from tests.claims_files import envelope, visit
from trucyte.intake.keeping import originals

wrapped = st.builds(
    lambda data, length, end: end.join(
        base64.b64encode(data)[at : at + length] for at in range(0, 2 * len(data), length)
    ),
    st.binary(min_size=100, max_size=600),
    st.integers(1, 90),
    st.sampled_from([b"\n", b"\r\n", b"\r", b" ", b"\n\n", b"\t"]),
)
nearly = st.builds(
    lambda data, junk, place: data[:place] + junk + data[place:],
    wrapped,
    st.sampled_from([b"=", b"==", b"*", b"\r", b"\n", b"A", b"-", b"_", b"\xef\xbb\xbf"]),
    st.integers(0, 800),
)
anything = st.lists(
    st.one_of(st.binary(max_size=300), wrapped, nearly, st.sampled_from([b"<A>", b"</A>\r\n"])),
    max_size=12,
).map(b"".join)


@given(anything)
def test_any_bytes_come_back(data: bytes) -> None:
    assert originals.unpack(originals.pack(data)) == data


@given(anything, st.integers(1, 50))
def test_a_stream_is_cut_and_put_together_again(data: bytes, step: int) -> None:
    data = data * 3
    before, originals.PART = originals.PART, 500
    try:
        chunks = [data[at : at + step] for at in range(0, len(data), step)]
        cut = list(originals.parts(chunks))
    finally:
        originals.PART = before
    assert b"".join(cut) == data
    assert b"".join(originals.unpack(originals.pack(part)) for part in cut) == data


def test_base64_is_kept_decoded_so_that_it_packs_tightly() -> None:
    data = envelope([visit(number) for number in range(200)])
    assert len(originals.pack(data)) * 10 < len(data)
    shifted = b"".join(originals.pack(part) for part in originals.parts([data * 20]))
    assert len(shifted) * 10 < len(data) * 20


def test_wrapped_base64_is_kept_decoded_too() -> None:
    text = base64.encodebytes(b"<MA_THUOC>40.48</MA_THUOC>" * 100_000).replace(b"\n", b"\r\n")
    data = b"<NOIDUNGFILE>\r\n" + text + b"</NOIDUNGFILE>"
    packed = [originals.pack(part) for part in originals.parts([data])]
    assert b"".join(map(originals.unpack, packed)) == data
    assert sum(map(len, packed)) * 100 < len(data)
