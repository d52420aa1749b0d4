"""What an import asks for: a manifest of files, in either of the forms that are in use.

The JSON manifest is that of the SMART bulk import proposal (`inputFormat`, `inputSource`,
`storageDetail`, `input[].type`, `input[].url`); the Parameters resource has parts of the
same names. `inputSource` and `storageDetail` are taken and mean nothing here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.types import TYPE_NUMBERS

FORMATS = frozenset(
    {"application/fhir+ndjson", "application/ndjson", "ndjson", "application/fhir+json"}
)
_INPUTS_MAX = 10_000
_URL_LENGTH_MAX = 4000
_PASSED_OVER = frozenset({"inputSource", "storageDetail", "mode"})


class BadImport(Problem):
    """The import cannot be read: {part} is wrong, {expected} is expected."""

    code = "import-manifest"


class ImportUnsupported(Problem):
    """The import asks for {part}, which is not supported here; leave it out."""

    kind = Kind.UNSUPPORTED
    code = "import-unsupported"


class Input(msgspec.Struct, frozen=True):
    """One file to take in."""

    url: str  # http(s)://, file://, or a path in a folder that the settings allow
    type: str = ""  # of all its resources; "" where it may hold any


def read_manifest(body: Mapping[str, Any]) -> tuple[Input, ...]:
    """Return the files of a manifest or Parameters. Raises BadImport, ImportUnsupported."""
    manifest = _of_parameters(body) if "resourceType" in body else body
    for name in manifest.keys() - {"inputFormat", "input", *_PASSED_OVER}:
        raise ImportUnsupported(part=name if name.isidentifier() and name.isascii() else "?")
    if manifest.get("inputFormat", "application/fhir+ndjson") not in FORMATS:
        raise BadImport(part="inputFormat", expected="application/fhir+ndjson")
    inputs = manifest.get("input")
    if not isinstance(inputs, list) or not 0 < len(inputs) <= _INPUTS_MAX:
        raise BadImport(part="input", expected=f"1 to {_INPUTS_MAX} files")
    found = tuple(_input(one) for one in inputs)
    if len({one.url for one in found}) < len(found):
        raise BadImport(part="input.url", expected="each file once")
    return found


def _input(one: Any) -> Input:
    url = one.get("url") if isinstance(one, dict) else None
    if not isinstance(url, str) or not 0 < len(url) <= _URL_LENGTH_MAX or "\0" in url:
        raise BadImport(part="input.url", expected="a URL or a path")
    kind = one.get("type", "")
    if kind != "" and kind not in TYPE_NUMBERS:
        raise BadImport(part="input.type", expected="a resource type")
    return Input(url, kind)


def _of_parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("resourceType") != "Parameters":
        raise BadImport(part="body", expected="a manifest or Parameters")
    manifest: dict[str, Any] = {"input": []}
    for name, part in _parts(body.get("parameter")):
        if name == "input":
            manifest["input"].append({key: _value(one) for key, one in _parts(part.get("part"))})
        else:
            manifest[name] = _value(part)
    return manifest


def _parts(parts: Any) -> Iterable[tuple[str, dict[str, Any]]]:
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise BadImport(part="parameter", expected="named parts")
        yield part["name"], part


def _value(part: Mapping[str, Any]) -> Any:
    return next((value for key, value in part.items() if key.startswith("value")), None)
