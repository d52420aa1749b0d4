"""R4's own profiles, types and open value sets, cut to what validation reads.

The core package has 655 StructureDefinitions of 60 MB with their prose; here each is
a few kilobytes, decoded when it is first asked for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import zstandard

from trucyte.fhir.definitions import NotDefinitions

# Raised with every change of what is kept, so that an old cache is never misread.
FORMAT = 2
_MAGIC = b"trucyte-structures %d\n" % FORMAT

_KEPT = frozenset(
    [
        "url",
        "version",
        "name",
        "type",
        "kind",
        "abstract",
        "derivation",
        "baseDefinition",
        "context",
        "contextInvariant",
    ]
)
_KEPT_OF_ELEMENT = frozenset(
    [
        "id",
        "path",
        "sliceName",
        "slicing",
        "min",
        "max",
        "base",
        "contentReference",
        "maxLength",
        "isModifier",
        "mustSupport",
    ]
)
_KEPT_OF_TYPE = ("code", "profile", "targetProfile")
_VALUES = ("fixed", "pattern", "minValue", "maxValue")


class _Discriminator(msgspec.Struct):
    type: str = ""
    path: str = ""


class _Slicing(msgspec.Struct):
    discriminator: list[_Discriminator] = []
    rules: str = ""
    ordered: bool = False


class _Type(msgspec.Struct, rename="camel"):
    code: str = ""
    profile: list[str] = []
    target_profile: list[str] = []


class _Binding(msgspec.Struct, rename="camel"):
    strength: str = ""
    value_set: str = ""


class _Rule(msgspec.Struct):
    key: str = ""
    severity: str = ""
    human: str = ""
    expression: str = ""


class _Element(msgspec.Struct, rename="camel"):
    """The JSON types of what is kept; a definition from anywhere may have others."""

    id: str = ""
    path: str = ""
    slice_name: str = ""
    slicing: _Slicing | None = None
    min: int = 0
    max: str | int = ""  # a number in definitions of some tools
    base: dict[str, Any] = {}
    content_reference: str = ""
    max_length: int = 0
    is_modifier: bool = False
    must_support: bool = False
    type: list[_Type] = []
    binding: _Binding | None = None
    constraint: list[_Rule] = []


class Cache(msgspec.Struct, frozen=True, array_like=True):
    """What a cache holds, by canonical URL."""

    structures: dict[str, msgspec.Raw]
    value_sets: dict[str, msgspec.Raw]
    resources: int  # how many the package holds in all


def trimmed(structure: Mapping[str, Any]) -> dict[str, Any]:
    """Return a StructureDefinition without what validation never reads.

    Raises TypeError where an element is not as elements are.
    """
    kept = {key: value for key, value in structure.items() if key in _KEPT}
    for view in ("snapshot", "differential"):
        if view in structure:
            elements = structure[view].get("element", ())
            kept[view] = {"element": [trimmed_element(element) for element in elements]}
    return kept


def trimmed_element(element: Mapping[str, Any]) -> dict[str, Any]:
    """Return an ElementDefinition without its prose, mappings and examples.

    Raises TypeError where what is kept has another JSON type than it should.
    """
    try:
        msgspec.convert(element, _Element)
    except msgspec.ValidationError as error:
        raise TypeError(str(error)) from None
    kept = {
        key: value
        for key, value in element.items()
        if key in _KEPT_OF_ELEMENT or key.startswith(_VALUES)
    }
    if "type" in element:
        kept["type"] = [
            {key: one[key] for key in _KEPT_OF_TYPE if key in one} for one in element["type"]
        ]
    if "binding" in element:
        binding = element["binding"]
        kept["binding"] = {k: binding[k] for k in ("strength", "valueSet") if k in binding}
    if "constraint" in element:
        kept["constraint"] = [
            {k: rule[k] for k in ("key", "severity", "human", "expression", "source") if k in rule}
            for rule in element["constraint"]
        ]
    return kept


def compile_structures(
    structures: Iterable[Mapping[str, Any]],
    value_sets: Iterable[Mapping[str, Any]],
    resources: int,
) -> bytes:
    """Return the cache of a package's structures, and of value sets by their `compose`."""
    encoder = msgspec.msgpack.Encoder(decimal_format="number")
    cache = Cache(
        structures={
            one["url"]: msgspec.Raw(encoder.encode(_without_differential(one)))
            for one in structures
        },
        value_sets={
            one["url"]: msgspec.Raw(
                encoder.encode({"url": one["url"], "compose": one.get("compose", {})})
            )
            for one in value_sets
        },
        resources=resources,
    )
    return _MAGIC + zstandard.ZstdCompressor(level=12).compress(encoder.encode(cache))


def _without_differential(structure: Mapping[str, Any]) -> dict[str, Any]:
    kept = trimmed(structure)
    if "snapshot" in kept:
        kept.pop("differential", None)
    return kept


def load(cache: bytes) -> Cache:
    """Read a cache; raises `NotDefinitions` if it is of another format."""
    if not cache.startswith(_MAGIC):
        raise NotDefinitions()
    try:
        packed = zstandard.ZstdDecompressor().decompress(memoryview(cache)[len(_MAGIC) :])
        return msgspec.msgpack.decode(packed, type=Cache)
    except (zstandard.ZstdError, msgspec.DecodeError):
        raise NotDefinitions() from None
