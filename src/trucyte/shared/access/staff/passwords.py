"""Passwords: what proves one, and which are too easy.

A proof is scrypt (RFC 7914) over the password in Unicode's composed form, so that the same
Vietnamese word typed on two keyboards is the same password. What is refused is not a list of
what leaked somewhere but what anyone would try first: common words here, rows of keys,
counting, the account's own name, each with digits around it or letters as digits.
"""

import hashlib
import hmac
import unicodedata
from threading import Semaphore
from typing import Final

from trucyte.shared.access.staff.problems import PasswordCommon, PasswordLong, PasswordShort

LEAST_ALONE: Final = 14  # without a second factor
LEAST_WITH_FACTOR: Final = 8
MOST: Final = 256
COST: Final = 15  # log2 of N: 32 MiB, about a tenth of a second a round
_BLOCK: Final = 8
_ROUNDS: Final = 3
_MEMORY_MAX: Final = 1 << 27
_AT_ONCE: Final = Semaphore(2)  # proofs being made in this process: memory and cores are for others

_WORDS: Final = (
    "password", "passphrase", "matkhau", "trucyte", "trucyyte", "benhvien", "bacsi", "dieuduong",
    "yte", "boyte", "soyte", "tramyte", "phongkham", "nhathuoc", "benhnhan", "suckhoe",
    "admin", "administrator", "quantri", "quantrivien", "nguoidung", "user", "root", "test",
    "demo", "welcome", "login", "dangnhap", "changeme", "letmein", "master", "secret", "bimat",
    "iloveyou", "anhyeuem", "emyeuanh", "yeuem", "yeuanh", "giadinh", "conyeu", "vietnam",
    "hanoi", "saigon", "haiphong", "danang", "hochiminh", "cantho", "khongbiet", "xinchao",
    "computer", "internet", "monkey", "dragon", "football", "bongda", "superman", "sunshine",
    "princess", "hello", "abc", "hospital", "doctor", "nurse", "health",
)  # fmt: skip
_ROWS: Final = (
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "0123456789",
    "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn",
)  # fmt: skip
_AS_LETTERS: Final = str.maketrans("0134578@$!đ", "oleastbasid")
_AROUND: Final = "0123456789 !@#$%^&*().,?_-+"
_KINDS_LEAST: Final = 5  # of characters


def proof_of(password: str, salt: bytes, cost: int = COST) -> bytes:
    """Return what proves a password, 32 bytes."""
    given = unicodedata.normalize("NFC", password[: 4 * MOST]).encode("utf-8", "surrogatepass")
    with _AT_ONCE:
        return hashlib.scrypt(
            given, salt=salt, n=1 << cost, r=_BLOCK, p=_ROUNDS, dklen=32, maxmem=_MEMORY_MAX
        )


def is_proven(password: str, salt: bytes, proof: bytes, cost: int) -> bool:
    """Say whether a password is the one a proof was made of."""
    return hmac.compare_digest(proof_of(password, salt, cost), proof)


def check_password(password: str, account: str, *, has_factor: bool) -> None:
    """Refuse a password that is too short, too long or too easy.

    Raises PasswordShort, PasswordLong, PasswordCommon.
    """
    composed = unicodedata.normalize("NFC", password)
    least = LEAST_WITH_FACTOR if has_factor else LEAST_ALONE
    if len(composed) < least:
        raise PasswordShort(least=least)
    if len(composed) > MOST:
        raise PasswordLong(most=MOST)
    if is_common(composed, account):
        raise PasswordCommon


def is_long(password: str) -> bool:
    """Say whether a password does without a second factor."""
    return len(unicodedata.normalize("NFC", password)) >= LEAST_ALONE


def is_common(password: str, account: str) -> bool:
    """Say whether a password is among what anyone would try first."""
    plain, inner = _plain(password), password.casefold().strip(_AROUND)
    if len(set(plain)) < _KINDS_LEAST:
        return True
    return any(
        _is_of_words(form, account) or _is_of_rows(form)
        for form in {plain, _plain(inner), _plain(inner.translate(_AS_LETTERS))}
    )


def _plain(text: str) -> str:
    """Return letters and digits only, small, without marks."""
    apart = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    return "".join(one for one in apart if one.isalnum())


def _is_of_words(form: str, account: str) -> bool:
    """Say whether nothing but common words, the account's name and digits are in it."""
    names = tuple(filter(None, (_plain(account), *map(_plain, account.split(".")))))
    rest = form
    for word in sorted((*_WORDS, *(name for name in names if len(name) > 2)), key=len)[::-1]:
        rest = rest.replace(word, "")
    rest = "".join(one for one in rest if not one.isdigit())
    return len(rest) <= 2 and rest != form


def _is_of_rows(form: str) -> bool:
    """Say whether all but a few letters lie along rows of keys or the alphabet.

    Digits alone are a date, a telephone or a number of someone's: common too.
    """
    rest = form
    for row in _ROWS:
        for line in (row, row[::-1]):
            for size in range(len(line), 2, -1):
                for at in range(len(line) - size + 1):
                    rest = rest.replace(line[at : at + size], "")
    return len("".join(one for one in rest if not one.isdigit())) <= 2
