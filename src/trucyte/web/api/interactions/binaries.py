"""Binary content as itself (R4 §2.40, "Binary" and §3.1.0.2): bytes in, bytes out.

Whoever asks for another media type than FHIR's gets the content with the type it was
given; whoever sends one has it wrapped. Content of strangers is never shown as a page of
this node: it is sandboxed and offered as a file.
"""

import base64
import binascii
import re
from collections.abc import Mapping

import orjson

from trucyte.fhir.parse import parse
from trucyte.records.shown import Resource
from trucyte.web.api.answers import of_version
from trucyte.web.api.asgi import Answer
from trucyte.web.api.headers import MEDIA, BadHeader, media_types

_TYPE = re.compile(
    r"[A-Za-z0-9][\w.+-]{0,126}/[\w.+-]{1,126}(?:\s*;\s*[\w-]+=[\w.-]+){0,4}", re.ASCII
)
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{2,63}/[A-Za-z0-9.-]{1,64}", re.ASCII)
_FALLBACK = "application/octet-stream"
_SAFE = (
    ("Content-Security-Policy", "sandbox; default-src 'none'"),
    ("Content-Disposition", "attachment"),
)


def wants_content(headers: Mapping[str, str], query_format: str) -> bool:
    """Say whether a read of a Binary asks for what is in it: no FHIR format is named."""
    names = [name for name, _ in media_types(headers.get("accept", ""))]
    if query_format or not names:
        return False
    return not any(name in MEDIA or name == "*/*" for name in names)


def content_of(resource: Resource) -> Answer:
    """Return the content of a Binary with its own media type."""
    binary = parse(resource.body)
    given = binary.get("contentType", "")
    kind = given if isinstance(given, str) and _TYPE.fullmatch(given) else _FALLBACK
    try:
        content = base64.b64decode(binary.get("data", ""))
    except (binascii.Error, ValueError, TypeError):
        content = b""
    return Answer(200, content, kind, [*of_version(resource), *_SAFE])


def binary_of(body: bytes, headers: Mapping[str, str], id: str) -> bytes:
    """Return content that came as itself as a Binary, as JSON. Raises BadHeader."""
    kind = headers.get("content-type", "").strip()
    if not _TYPE.fullmatch(kind):
        raise BadHeader(header="Content-Type", expected="type/subtype")
    resource = {"resourceType": "Binary", "contentType": kind}
    if id:
        resource["id"] = id
    made: dict[str, object] = {**resource, "data": base64.b64encode(body).decode()}
    context = headers.get("x-security-context", "").strip()
    if context:
        if not _REFERENCE.fullmatch(context):
            raise BadHeader(header="X-Security-Context", expected="Patient/1")
        made["securityContext"] = {"reference": context}
    return orjson.dumps(made)
