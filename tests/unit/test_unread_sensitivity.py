"""What could not be read is labelled when it may be sensitive."""

import pytest

from tests.claims_files import envelope, file, hoso, row, summary
from trucyte.intake.claims.accept import refused
from trucyte.intake.piece import Form, Piece
from trucyte.intake.sensitivity import may_be_sensitive
from trucyte.intake.unreadable import VisitEmpty

PLAIN = summary(MA_BENH_CHINH="J02.9")


@pytest.mark.parametrize(
    "content",
    [
        summary(MA_BENH_CHINH="B20"),
        summary(MA_BENH_KT="J02.9;Z21"),
        summary(MA_BENH_KT="Z20.6"),
        summary(CHAN_DOAN_RV="Nhiễm HIV"),
        summary(MA_DOITUONG_KCB="1.9"),
        summary(MA_BENH_CHINH="F20.0"),
        summary(MA_BENH_CHINH="O04.9"),
        summary(CHAN_DOAN_RV="Trầm cảm nặng"),
        summary(GHI_CHU="đã phá thai"),
        summary(GHI_CHU="Tr&#7847;m c&#x1EA3;m"),
        summary(PHANLOAI_LAO_HIV="2"),
        row("CHITIET_DIEUTRI_BENHLAO", {"MA_LK": "1"}),
    ],
)
@pytest.mark.parametrize("inline", [False, True])
def test_signs_are_seen_plain_and_packed(content: str, inline: bool) -> None:
    assert may_be_sensitive(hoso(file("XML1", content, inline=inline)).encode())


def test_tables_of_sensitive_programmes_count_by_their_name() -> None:
    assert may_be_sensitive(b"<LOAIHOSO>XML6</LOAIHOSO>")
    assert may_be_sensitive(b"<LOAIHOSO>XML15</LOAIHOSO>")


def test_a_plain_visit_is_not_labelled() -> None:
    assert not may_be_sensitive(envelope([hoso(file("XML1", PLAIN))]))


@pytest.mark.parametrize(
    "body",
    [
        b'{"meta":{"security":[{"system":"urn:x/v3-Confidentiality","code":"R"}]}',
        b'{"resourceType":"Condition","code":{"coding":[{"code":"B20"}]},"x":',
        b'{"resourceType":"Condition","code":{"text":"Tr\\u1ea7m c\\u1ea3m"}}',
    ],
)
def test_fhir_that_was_refused_is_searched_too(body: bytes) -> None:
    assert may_be_sensitive(body)
    assert not may_be_sensitive(b'{"resourceType":"Condition","code":{"text":"Ho"},"x":')


@pytest.mark.parametrize("code", ["utf-16", "cp1258", "latin-1"])
def test_words_in_another_code_cannot_be_seen_and_count(code: str) -> None:
    assert may_be_sensitive(summary(HO_TEN="NGUYỄN ÂÉ").encode(code, "xmlcharrefreplace"))


def test_a_name_is_not_a_word_and_a_cut_is_not_a_sign() -> None:
    text = hoso(file("XML1", summary(HO_TEN="Trầm Cảm", MA_BENH_CHINH="J02"), inline=True)).encode()
    assert not any(may_be_sensitive(text[:at]) for at in range(200, len(text), 7))


def test_what_nobody_can_open_counts_as_sensitive() -> None:
    assert may_be_sensitive(b"")
    assert refused(Piece(1, Form.FILE, b""), VisitEmpty()).is_restricted
