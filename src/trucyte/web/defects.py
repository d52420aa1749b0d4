"""A defect of ours, told to the log and to the person before it, and to nobody else.

The log names the kind and the place, never the message: it may quote a record. The person
gets a reference under which the administrator finds that line.
"""

import logging
import re
import secrets
import traceback
from pathlib import Path

from trucyte.base.tracing import Event

DEFECT = Event("web.defect", logging.ERROR, page=str, reference=str, kind=str, place=str)


def say_sorry(defect: BaseException, where: str) -> str:
    """Log a defect met at `where` (the name of a page or an interaction); return its reference."""
    reference = f"r{secrets.token_hex(4)}"
    places = traceback.extract_tb(defect.__traceback__)
    place = places[-1]
    DEFECT.log(
        page=_code(where),
        reference=reference,
        kind=_code(type(defect).__name__),
        place=_code(f"{Path(place.filename).stem}-{place.name}-{place.lineno}"),
    )
    return reference


def _code(text: str) -> str:
    """Return a name of the program in the form that logs take."""
    spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", text).lower()
    return re.sub(r"^[^a-z]+|[^a-z0-9._-]", "", spelt)[:60] or "unnamed"
