"""Codes by time (RFC 6238) as every authenticator shows them: six digits, thirty seconds."""

import hmac
import secrets
import struct
from base64 import b32encode
from datetime import datetime
from typing import Final
from urllib.parse import quote

STEP_SECONDS: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
_SLACK_STEPS: Final = 1  # clocks of telephones differ


def new_secret() -> bytes:
    """Return a new secret, 20 bytes as RFC 4226 advises."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """Return the code of a time step (RFC 4226, section 5.3)."""
    made = hmac.digest(secret, struct.pack(">q", step), "sha1")
    at = made[-1] & 0x0F
    number = int.from_bytes(made[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def step_of(moment: datetime) -> int:
    """Return the time step of a moment."""
    return int(moment.timestamp()) // STEP_SECONDS


def step_of_code(secret: bytes, code: str, now: datetime) -> int | None:
    """Return the step, near now, that a code is of; None where it is of none."""
    present = step_of(now)
    found = None
    for step in range(present - _SLACK_STEPS, present + _SLACK_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def as_text(secret: bytes) -> str:
    """Return a secret as people type it, in groups of four."""
    text = b32encode(secret).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def as_address(secret: bytes, *, account: str, issuer: str) -> str:
    """Return a secret as authenticators read it from a picture (otpauth)."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={b32encode(secret).decode()}"
        f"&issuer={quote(issuer, safe='')}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )
