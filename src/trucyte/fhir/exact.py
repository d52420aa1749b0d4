"""FHIR JSON in and out again with every digit as it stood.

A `Decimal` keeps precision but not spelling (0.0000001 comes back as 1E-7). Where a body
is only reshaped, its fractions stay the bytes they came as.
"""

from typing import Any

import msgspec

from trucyte.base.problem import Problem
from trucyte.fhir.text import NotAnObject, NotJson


def _as_written(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


_DECODER = msgspec.json.Decoder(float_hook=_as_written)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def read_exact(body: bytes) -> dict[str, Any]:
    """Return an object of dicts, lists, str, int, bool, None, and `Raw` for a fraction.

    Raises NotJson, NotAnObject.
    """
    refusal: Problem
    try:
        value = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        refusal = NotJson(offset=0)
    else:
        if isinstance(value, dict):
            return value
        refusal = NotAnObject(offset=0)
    raise refusal


def write_exact(resource: dict[str, Any]) -> bytes:
    """Return what `read_exact` gave, or a resource with Decimals, as JSON."""
    return _ENCODER.encode(resource)
