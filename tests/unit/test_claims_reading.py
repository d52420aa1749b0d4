"""The reader of claims files: every variant of real files, every hostile one."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.claims_files import (
    SUMMARY,
    envelope,
    file,
    hoso,
    medicines,
    row,
    summary,
    visit,
    zipped,
)
from trucyte.base.problem import Problem
from trucyte.intake.claims.read import VisitReader
from trucyte.intake.claims.tables import Variant, Visit
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Form, Piece
from trucyte.intake.reading import Reading
from trucyte.intake.unreadable import Unreadable

SAMPLES = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites")).parent / "reference/samples"


def pieces(data: bytes, limits: Limits = DEFAULT) -> list[Piece]:
    return list(Reading(io.BytesIO(data), limits))


def outcomes(data: bytes, limits: Limits = DEFAULT) -> list[Visit | str]:
    """Read all pieces: a visit, or the code of why not."""
    reader = VisitReader(limits)
    found: list[Visit | str] = []
    for piece in pieces(data, limits):
        try:
            if piece.problem is not None:
                raise piece.problem
            found.append(reader.read(piece))
        except Unreadable as problem:
            assert problem.message, "the facts fill the message"
            found.append(problem.code)
    return found


def only(data: bytes, limits: Limits = DEFAULT) -> Visit:
    (found,) = outcomes(data, limits)
    assert isinstance(found, Visit), found
    return found


def links(data: bytes, limits: Limits = DEFAULT) -> list[str]:
    return [found.link if isinstance(found, Visit) else found for found in outcomes(data, limits)]


def test_both_samples_hold_the_same_visit() -> None:
    if not SAMPLES.exists():
        pytest.skip(f"no samples at {SAMPLES}")
    first, second = (
        only(path.read_bytes()) for path in sorted(SAMPLES.glob("synthetic-giamdinhhs*.xml"))
    )
    assert first == second
    assert first.variant is Variant.D1931
    assert {name: len(rows) for name, rows in first.tables.items()} == {
        "XML1": 1,
        "XML2": 2,
        "XML3": 2,
        "XML4": 1,
        "XML14": 1,
    } or first.tables.keys() >= {"XML1", "XML2", "XML3", "XML4", "XML14"}


def test_base64_and_inline_content_read_alike() -> None:
    assert only(envelope([visit()])) == only(envelope([visit(inline=True)]))


def test_base64_may_be_wrapped_and_unpadded() -> None:
    packed = file("XML1", summary())
    start = packed.index("<NOIDUNGFILE>") + 13
    wrapped = packed[:start] + "\r\n" + packed[start : start + 76] + "\r\n" + packed[start + 76 :]
    assert only(envelope([hoso(wrapped.replace("=", ""))])).link == "LK-1"


def test_content_may_stand_in_cdata() -> None:
    inside = file("XML1", f"<![CDATA[{summary()}]]>", inline=True)
    assert only(envelope([hoso(inside)])).patient == "BN-1"


def test_a_byte_order_mark_is_passed_over_outside_and_inside() -> None:
    data = b"\xef\xbb\xbf" + envelope([hoso(file("XML1", b"\xef\xbb\xbf" + summary().encode()))])
    assert only(data).link == "LK-1"


def test_a_declaration_of_utf_16_over_utf_8_bytes_is_not_believed() -> None:
    inside = '<?xml version="1.0" encoding="utf-16"?>' + summary()
    data = envelope([hoso(file("XML1", inside))]).replace(b'"utf-8"', b'"utf-16"')
    assert only(data).summary["HO_TEN"] == "NGUYỄN VĂN MẪU"


def test_empty_missing_and_self_closed_fields_are_the_same_and_blanks_are_stripped() -> None:
    fields = "<MA_LK>LK-1\t</MA_LK><MA_BN>\n BN-1</MA_BN><DIA_CHI/><GHI_CHU> </GHI_CHU>"
    inside = f"<TONG_HOP>{fields}</TONG_HOP>"
    found = only(envelope([hoso(file("XML1", inside))]))
    assert found.tables == {"XML1": [{"MA_LK": "LK-1", "MA_BN": "BN-1"}]}


def test_an_empty_filehoso_is_no_table() -> None:
    empty = "<FILEHOSO><LOAIHOSO>XML8</LOAIHOSO><NOIDUNGFILE/></FILEHOSO><FILEHOSO/>"
    found = only(envelope([hoso(file("XML1", summary()), empty)]))
    assert found.tables.keys() == {"XML1"}


def test_field_values_may_stand_in_cdata_and_after_comments() -> None:
    inside = summary().replace("NGUYỄN VĂN MẪU", "<![CDATA[NGUYỄN <A> VĂN]]><!-- x --> MẪU")
    found = only(envelope([hoso(file("XML1", inside, inline=True))]))
    assert found.summary["HO_TEN"] == "NGUYỄN <A> VĂN MẪU"


def test_tags_may_come_in_any_order_and_case_and_unknown_ones_are_kept() -> None:
    inside = "<tong_hop><ma_bn>B</ma_bn><Moi_La>7</Moi_La><ma_lk>L</ma_lk></tong_hop>"
    found = only(envelope([hoso(file("xml1", inside))]))
    assert found.tables["XML1"] == [{"MA_BN": "B", "MOI_LA": "7", "MA_LK": "L"}]


def test_several_visits_in_one_envelope_keep_their_order_and_their_bytes() -> None:
    visits = [visit(number) for number in range(1, 6)]
    cut = pieces(envelope(visits))
    assert [piece.data for piece in cut] == [text.encode() for text in visits]
    assert [piece.ordinal for piece in cut] == [1, 2, 3, 4, 5]
    assert [piece.partition for piece in cut] == [f"BN-{n}" for n in range(1, 6)]


@pytest.mark.parametrize("step", [1, 7, 64, 1000])
def test_visits_are_cut_alike_however_the_stream_arrives(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.intake.claims.envelope._CHUNK", step)
    monkeypatch.setattr("trucyte.intake.reading._HEAD", 300)
    trap = "<!-- </HOSO> <HOSO> --><![CDATA[</HOSO>]]>"
    visits = [visit(1), hoso(trap, file("XML1", summary(MA_LK="LK-2"), inline=True)), visit(3)]
    data = envelope(visits, head="<!-- <HOSO> -->")
    assert links(data) == ["LK-1", "LK-2", "LK-3"]


def test_the_envelope_tells_facility_day_and_number() -> None:
    reading = Reading(io.BytesIO(envelope([visit(1), visit(2)])))
    first, _ = list(reading)
    assert (first.envelope.facility, str(first.envelope.made_on)) == ("00001", "2026-02-16")
    assert reading.announced == 2


def test_an_empty_envelope_holds_no_visit() -> None:
    assert outcomes(envelope([])) == []


def test_a_check_in_document_gives_a_visit_for_each_ma_lk() -> None:
    rows = [row("TRANG_THAI_KCB", SUMMARY | {"MA_LK": f"LK-{n}", "MA_BN": f"B{n}"}) for n in (1, 2)]
    inside = f"<DSACH_TRANG_THAI_KCB>{''.join(rows)}</DSACH_TRANG_THAI_KCB>"
    data = f"<CHI_TIEU_TRANG_THAI_KCB>{inside}<CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>".encode()
    first, second = outcomes(data)
    assert isinstance(first, Visit)
    assert isinstance(second, Visit)
    assert (first.link, second.link, first.tables.keys()) == ("LK-1", "LK-2", {"XML0"})


def test_tables_as_files_apart_in_a_zip_make_one_visit() -> None:
    files = {
        "hs/XML2.xml": medicines({"MA_THUOC": "40.1"}, {"MA_THUOC": "40.2"}).encode(),
        "hs/XML1.xml": summary().encode(),
        "__MACOSX/hs/._XML1.xml": b"junk",
        "hs/.DS_Store": b"junk",
    }
    found = only(zipped(files))
    assert [len(found.tables[name]) for name in ("XML1", "XML2")] == [1, 2]


def test_a_zip_of_envelopes_gives_their_visits_in_order() -> None:
    files = {"a.xml": envelope([visit(1), visit(2)]), "b/b.xml": envelope([visit(3)])}
    assert links(zipped(files)) == ["LK-1", "LK-2", "LK-3"]
    assert [piece.ordinal for piece in pieces(zipped(files))] == [1, 2, 3]


def test_a_917_checkout_reads_as_a_visit_of_its_own_variant() -> None:
    data = """<CheckOut><ThongTinBenhNhan><MA_LK>L9</MA_LK><MA_BN>B9</MA_BN><HO_TEN>MẪU</HO_TEN>
      <DIA_CHI>_</DIA_CHI></ThongTinBenhNhan><ThongTinChiTiet>
      <tonghop><MA_CSKCB>00001</MA_CSKCB><MA_LOAIKCB>1</MA_LOAIKCB><NGAY_RA>201608010000</NGAY_RA></tonghop>
      <Bang_CTTHUOC><CTTHUOC><MA_THUOC>1</MA_THUOC></CTTHUOC><CTTHUOC><MA_THUOC>2</MA_THUOC></CTTHUOC></Bang_CTTHUOC>
      <BANG_CTDV><CTDV><MA_DICH_VU>3</MA_DICH_VU></CTDV></BANG_CTDV></ThongTinChiTiet></CheckOut>"""
    found = only(data.encode())
    assert found.variant is Variant.D917
    assert found.summary == {
        "MA_LK": "L9", "MA_BN": "B9", "HO_TEN": "MẪU",
        "MA_CSKCB": "00001", "MA_LOAIKCB": "1", "NGAY_RA": "201608010000",
    }  # fmt: skip
    assert [len(found.tables[name]) for name in ("XML2", "XML3")] == [2, 1]


def test_a_4210_list_may_be_the_root() -> None:
    inside = "<TONG_HOP><MA_LK>L</MA_LK><MA_BN>B</MA_BN><MA_THE/><TEN_BENH>x</TEN_BENH></TONG_HOP>"
    drug = row("CHI_TIET_THUOC", {"MA_LK": "L", "MA_THUOC": "1"})
    drugs = f"<DSACH_CHI_TIET_THUOC>{drug}</DSACH_CHI_TIET_THUOC>"
    found = only(envelope([hoso(file("XML1", inside), file("XML2", drugs))]))
    assert found.variant is Variant.D4210
    assert found.tables["XML2"] == [{"MA_LK": "L", "MA_THUOC": "1"}]


@pytest.mark.parametrize(
    ("end", "extra", "expected"),
    [
        ("202607010800", {}, Variant.D1931),
        ("202606302359", {}, Variant.D3176),
        ("202412310000", {}, Variant.D4750),
        ("202406300000", {}, Variant.D4750),  # NHOM_MAU stands in it
        ("20240630", {"NHOM_MAU": None}, Variant.D130),
        ("không", {}, Variant.D3176),  # NGAY_VAO is asked next
    ],
)
def test_the_variant_follows_the_content_then_the_end_of_the_visit(
    end: str, extra: dict[str, None], expected: Variant
) -> None:
    fields = {k: v for k, v in (SUMMARY | {"NGAY_RA": end}).items() if k not in extra}
    assert only(envelope([hoso(file("XML1", row("TONG_HOP", fields)))])).variant is expected


@pytest.mark.parametrize(
    ("tag", "expected"), [("MA_CSKCB_DI", Variant.D3176), ("MA_NOI_DI", Variant.D4750)]
)
def test_a_transfer_letter_tells_3176_from_4750(tag: str, expected: Variant) -> None:
    letter = f"<CHI_TIEU_GIAYCHUYENTUYEN><MA_LK>LK-1</MA_LK><{tag}/></CHI_TIEU_GIAYCHUYENTUYEN>"
    data = envelope([hoso(file("XML1", summary()), file("XML13", letter))])
    assert only(data).variant is expected


def test_a_visit_without_ma_bn_is_of_a_patient_of_its_own() -> None:
    assert only(envelope([hoso(file("XML1", summary(MA_BN="")))])).patient == ""


def test_an_assessment_board_is_sent_alone_and_named_by_its_minutes() -> None:
    board = row(
        "GIAM_DINH_Y_KHOA", {"HO_TEN": "MẪU", "SO_CCCD": "000085000001", "SO_BIEN_BAN": "7"}
    )
    found = only(envelope([hoso(file("XML12", board))]))
    assert (found.link, found.tables.keys()) == ("XML12:7", {"XML12"})


# What is refused, and how far the damage reaches.

OTHER_LINK = medicines({"MA_THUOC": "1"}, link="LK-9")
NOT_UTF_8 = summary(HO_TEN="Nguyen").encode().replace(b"Nguyen", b"Nguy\xea\xecn")


def raw(content: str) -> str:
    return hoso(file("XML1", content, inline=True))


GOOD = "LK-1"


def between(bad: str) -> list[str]:
    """Put a bad visit between two good ones."""
    return links(envelope([visit(1), bad, visit(3)]))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("<HOSO></HOSO>", "hoso-empty"),
        ("<HOSO/>", "hoso-empty"),
        (hoso(file("XML2", medicines({"MA_THUOC": "1"}))), "xml1-missing"),
        (hoso(file("XML1", summary(MA_LK=""))), "ma-lk-missing"),
        (hoso(file("XML1", summary()), file("XML1", summary())), "xml1-twice"),
        (hoso(file("XML1", summary()), file("XML2", OTHER_LINK)), "ma-lk-differs"),
        (hoso(file("XML1", summary(HO_TEN="NguyÔn V¨n MÉu"))), "encoding-legacy-font"),
        (raw("PD94*"), "base64-broken"),
        (raw("PD94b"), "base64-broken"),
        (hoso(file("XML1", summary()[:-12])), "xml-truncated"),
        (hoso(file("XML1", summary().replace("LK-1", "a & b"))), "xml-malformed"),
        (hoso(file("XML1", "<!DOCTYPE a [<!ENTITY x 'y'>]>" + summary())), "xml-dtd"),
        (hoso(file("XML1", summary(GHI_CHU="&xxe;"))), "xml-dtd"),
        (hoso(file("XML1", summary().encode("utf-16"))), "encoding-wrong"),
        (hoso(file("XML1", NOT_UTF_8)), "encoding-wrong"),
        (hoso(file("", "<LA_GI><A>1</A></LA_GI>")), "table-unknown"),
        (hoso(file("XML1", summary(GHI_CHU="x</GHI_CHU><GHI_CHU>y"))), "field-twice"),
        (hoso(file("XML1", "<a>" * 3000)), "xml-nesting"),
        (hoso(file("XML1", "<a>" * 500 + "</a>" * 500)), "xml-nesting"),
        ("<HOSO><FILEHOSO>", "xml-truncated"),
    ],
)  # fmt: skip
def test_a_bad_visit_is_refused_alone_and_the_rest_goes_on(bad: str, code: str) -> None:
    assert between(bad) == ["LK-1", code, "LK-3"]


def test_a_bad_visit_keeps_its_bytes() -> None:
    bad = hoso(file("XML1", summary(MA_LK="")))
    assert pieces(envelope([visit(1), bad]))[1].data == bad.encode()


def test_a_truncated_file_gives_the_visits_before_the_break() -> None:
    data = envelope([visit(1), visit(2), visit(3)])
    cut = data.index(b"<HOSO>", data.index(b"<HOSO>", data.index(b"<HOSO>") + 1) + 1) + 200
    assert links(data[:cut]) == ["LK-1", "LK-2", "xml-truncated"]
    assert links(data[: data.index(b"</DANHSACHHOSO>") + 5]) == [
        "LK-1", "LK-2", "LK-3", "xml-truncated"
    ]  # fmt: skip


def test_a_file_cut_in_its_head_is_truncated() -> None:
    assert links(envelope([visit()])[:90]) == ["xml-truncated"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        (b"hello", "content-unknown"),
        (b"\x1f\x8b\x08\x00", "content-unknown"),
        (b"<html><body/></html>", "xml-root-unknown"),
        (b"<KHAMSUCKHOE/>", "xml-root-unknown"),
        (envelope([visit()]).decode().encode("utf-16"), "encoding-wrong"),
        (envelope([visit()]).decode().encode("utf-16-le"), "encoding-wrong"),
        (b"<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'>" + envelope([visit()]), "xml-dtd"),
        (envelope([visit()], head="<!DOCTYPE a [<!ENTITY b 'c'>]>"), "xml-dtd"),
        (b"<?xml version='1.0' encoding='windows-1258'?><GIAMDINHHS>Nguy\xean", "encoding-wrong"),
        (b"PK\x03\x04 and nothing behind", "zip-broken"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert links(data) == [code]


def test_entities_in_an_envelope_are_refused_before_they_grow() -> None:
    bomb = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
        f"<!ENTITY {chr(97 + n + 1)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9)
    )
    assert links(envelope([visit(NOTE="&j;")], head=bomb + "]>")) == ["xml-dtd"]


def test_an_external_entity_is_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    inside = f"<!DOCTYPE a [<!ENTITY x SYSTEM 'file://{secret}'>]>" + summary(GHI_CHU="&x;")
    assert links(envelope([hoso(file("XML1", inside))])) == ["xml-dtd"]


def test_ten_thousand_rows_are_taken_and_more_than_the_limit_are_not() -> None:
    drugs = [{"STT": str(n), "MA_THUOC": "40.1"} for n in range(10_000)]
    data = envelope([hoso(file("XML1", summary()), file("XML2", medicines(*drugs)))])
    assert len(only(data).tables["XML2"]) == 10_000
    assert links(data, Limits(rows=9_999)) == ["table-too-long"]


def test_a_visit_that_is_too_large_is_passed_over_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trucyte.intake.claims.envelope._CHUNK", 1024)
    large = visit(2, GHI_CHU="x" * 200_000)
    data = envelope([visit(1), large, visit(3)])
    assert links(data, Limits(visit=20_000)) == ["LK-1", "visit-too-large", "LK-3"]


class Endless(io.RawIOBase):
    """A stream without end, counting what is read from it."""

    def __init__(self, head: bytes, again: bytes) -> None:
        self.count, self._head, self._again = 0, head, again

    def read(self, size: int = -1) -> bytes:
        self.count += 1
        assert self.count < 200, "it reads on for ever"
        if self.count == 1:
            return self._head
        return (self._again * (1 + size // len(self._again)))[:size]


@pytest.mark.parametrize("again", [b"<a>", b"<!--", b"x" * 997])
def test_endless_nesting_around_the_visits_stops_early(again: bytes) -> None:
    stream = Endless(b"<GIAMDINHHS>", again)
    cut: Iterator[Piece] = iter(Reading(stream))  # type: ignore[arg-type]  # it reads
    assert [piece.problem and piece.problem.code for piece in cut] == ["envelope-too-large"]


# Zips.


def test_a_path_out_of_the_zip_refuses_all_of_it() -> None:
    for name in ("../evil.xml", "/etc/x.xml", "a/../../b.xml", "C:\\x.xml", "a\\..\\..\\b.xml"):
        assert links(zipped({"good.xml": envelope([visit()]), name: b"x"})) == ["zip-path-outside"]


def test_a_symbolic_link_in_a_zip_refuses_all_of_it() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("link.xml")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    assert links(buffer.getvalue()) == ["zip-path-outside"]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped({"a.xml": b"\0" * 30_000_000})
    assert links(bomb) == ["zip-bomb"]
    assert links(zipped({"a.xml": b"x" * 99}), Limits(zip_unpacked=50)) == ["zip-bomb"]
    assert links(zipped({f"{n}": b"" for n in range(5)}), Limits(zip_files=4)) == ["zip-bomb"]


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped({"a.xml": envelope([visit()])}))
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    assert links(bytes(data)) == ["zip-encrypted"]


def test_a_zip_in_a_zip_is_refused() -> None:
    assert links(zipped({"inner.zip": zipped({"a.xml": b"x"})})) == ["zip-nested"]
    assert links(zipped({"inner": zipped({"a.xml": b"x"})})) == ["zip-nested"]


def test_a_damaged_file_in_a_zip_costs_that_file_alone() -> None:
    files = {"a.xml": envelope([visit(1)]), "b.xml": envelope([visit(2)])}
    data = bytearray(zipped(files, zipfile.ZIP_STORED))
    data[data.index(b"<HOSO>") + 40] ^= 1
    found = links(bytes(data))
    assert found[-1] == "LK-2"
    assert "zip-broken" in found


def test_a_header_at_odds_with_the_directory_costs_that_file_alone() -> None:
    files = {"a.xml": envelope([visit(1)]), "b.xml": envelope([visit(2)])}
    data = zipped(files, zipfile.ZIP_STORED)
    directory = data.index(b"PK\x01\x02")
    assert links(data.replace(b"a.xml", b"\xff.xml", 1)) == ["zip-broken", "LK-2"]
    for place, value in ((8, 0x20), (24, 0xFF), (46, 0xFF)):  # flags, size, name
        damaged = bytearray(data)
        damaged[directory + place] = value
        assert links(bytes(damaged))[-1] == "LK-2", place


def test_problems_hold_nothing_of_the_file() -> None:
    data = envelope([hoso(file("XML1", summary(HO_TEN="BÍMẬT & CO", MA_BN="BÍMẬT")))])
    (piece,) = pieces(data)
    with pytest.raises(Problem) as caught:
        VisitReader(DEFAULT).read(piece)
    assert "BÍMẬT" not in str(caught.value) + repr(caught.value.facts)


def test_forms_tell_what_a_piece_is() -> None:
    assert [piece.form for piece in pieces(envelope([visit()]))] == [Form.HOSO]
    assert [piece.form for piece in pieces(b"<html/>")] == [Form.FILE]
    assert [piece.form for piece in pieces(b'{"resourceType":"Bundle"}')] == [Form.BUNDLE]
    assert [piece.form for piece in pieces(b'{"resourceType":"Group"}\n{"a":1}\n')] == [
        Form.RESOURCE, Form.RESOURCE
    ]  # fmt: skip
