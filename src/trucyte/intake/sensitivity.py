"""Whether bytes that could not be mapped may hold what is sensitive.

A visit that was mapped carries its labels. For one that could not be read, the triggers
of `vietnam.sensitivity` are looked for wherever text can be made out, base64 opened; what
cannot be opened counts as sensitive. Shown too little is mended by a retry, shown too
much by nothing.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from html import unescape

from trucyte.intake.claims.roots import local_name, table_of
from trucyte.vietnam.sensitivity import Triggers, load_triggers

_PACKED = re.compile(rb"[A-Za-z0-9+/\s]{64,}={0,2}")
_BLANKS = b" \t\r\n"
_FIELD = re.compile(r"<([^\s<>/!?]{1,200})[^<>]{0,200}>\s*(?:<!\[CDATA\[)?([^<>\]]*)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_CODE = re.compile(r"[A-Z][0-9]{2}(?:\.?[0-9]{1,2})?")
_UTF_8 = codecs.getincrementaldecoder("utf-8")
_TABLE_FIELD = "LOAIHOSO"
_CLOSED = re.compile(r'"(?:R|V)"')  # v3 Confidentiality


def may_be_sensitive(data: bytes) -> bool:
    """Say whether signs of sensitive content stand in `data`, or may stand in it.

    Nothing to look at (a source that could not be cut) counts as sensitive.
    """
    triggers = load_triggers()
    return not data or any(text is None or _has_signs(text, triggers) for text in _texts(data))


def _texts(data: bytes) -> Iterator[str | None]:
    """Yield what can be read in `data`; None for what cannot be opened."""
    yield _decoded(data)
    for packed in _PACKED.finditer(data):
        text = packed[0].translate(None, _BLANKS)
        try:
            yield _decoded(binascii.a2b_base64(text[: len(text) // 4 * 4]))
        except binascii.Error:
            yield None


def _decoded(data: bytes) -> str | None:
    """Return UTF-8 text, cut where it may be; None for another code, whose words nobody sees."""
    try:
        text = _UTF_8().decode(data)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _has_signs(text: str, triggers: Triggers) -> bool:
    if "Confidentiality" in text and _CLOSED.search(text):
        return True
    return any(_is_sign(found[1], found[2], triggers) for found in _FIELD.finditer(text)) or any(
        _is_word_or_code(_unescaped(found[1]), triggers) for found in _STRING.finditer(text)
    )


def _is_sign(tag: str, value: str, triggers: Triggers) -> bool:
    name, value = local_name(tag), unescape(value).strip()
    table = value if name == _TABLE_FIELD else table_of(tag)
    return table in triggers.tables or bool(value and triggers.of_field(name, value))


def _is_word_or_code(value: str, triggers: Triggers) -> bool:
    is_code = _CODE.fullmatch(value) is not None
    return bool(triggers.of_icd(value) if is_code else triggers.of_text(value))


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
