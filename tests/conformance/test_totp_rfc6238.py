"""RFC 6238, appendix B, and RFC 4226, appendix D: the vectors the standards give (SHA-1)."""

from datetime import UTC, datetime

import pytest

from trucyte.shared.access.staff import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    step = totp.step_of(datetime.fromtimestamp(seconds, UTC))
    assert totp.code_at(SECRET, step, digits=8) == code


@pytest.mark.parametrize(
    ("step", "code"),
    list(enumerate(
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
         "520489"]
    )),
)  # fmt: skip
def test_rfc_4226_appendix_d(step: int, code: str) -> None:
    assert totp.code_at(SECRET, step) == code


def test_a_code_is_taken_a_step_early_and_a_step_late_and_no_further() -> None:
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    present = totp.step_of(now)
    for away, taken in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = totp.code_at(SECRET, present + away)
        assert (totp.step_of_code(SECRET, code, now) == present + away) is taken


@pytest.mark.parametrize("code", ["", "1", "12345", "１２３４５６", "\0", "\ud800", "9" * 1000])
def test_what_is_no_code_is_of_no_step(code: str) -> None:
    assert totp.step_of_code(SECRET, code, datetime(2026, 11, 24, tzinfo=UTC)) is None


def test_the_address_holds_what_authenticators_read() -> None:
    address = totp.as_address(SECRET, account="bs.noi2", issuer="Bệnh viện: Mẫu & Co")
    assert address.startswith("otpauth://totp/B%E1%BB%87nh%20vi%E1%BB%87n%3A%20M%E1%BA%ABu%20%26")
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" in address
    assert totp.as_text(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
