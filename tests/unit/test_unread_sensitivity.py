"""What could not be read is labelled when it may be sensitive."""

import pytest

from tests.claims_files import envelope, file, hoso, summary
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


def test_what_nobody_can_open_counts_as_sensitive() -> None:
    assert may_be_sensitive(b"")
    assert refused(Piece(1, Form.FILE, b""), VisitEmpty()).is_restricted
