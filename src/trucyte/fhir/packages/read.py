"""FHIR packages and loose definition files, from bytes to definitions.

A package is a gzipped tar with `package/package.json` and one file a resource. Each
resource is kept as its bytes and decoded when it is first asked for, so a package of
thousands of files costs what is used of it. Size and number are bounded.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from trucyte.base.problem import Problem
from trucyte.fhir.package import NotAPackage
from trucyte.fhir.parse import parse
from trucyte.fhir.text import NotJson

UNPACKED_MAX = 512 * 1024 * 1024
FILES_MAX = 50_000


class NotADefinition(Problem):
    """The file is no FHIR definition: {reason}."""

    code = "not-a-definition"


class _Head(msgspec.Struct, frozen=True):
    """What tells one definition from another."""

    type: str = msgspec.field(default="", name="resourceType")
    id: str = ""
    url: str = ""
    version: str = ""


@dataclass(frozen=True)
class Definition:
    """One resource of a package, decoded when `content` is first read."""

    type: str
    id: str
    url: str
    version: str
    body: bytes = field(repr=False)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole resource."""
        return parse(self.body)


@dataclass(frozen=True, slots=True)
class Package:
    """A package with its definitions; examples and pages are left out."""

    name: str
    version: str
    canonical: str
    dependencies: Mapping[str, str]  # name to version, as package.json writes it
    definitions: tuple[Definition, ...]

    def read_whole(self) -> None:
        """Decode every definition. Raises `NotAPackage`."""
        for definition in self.definitions:
            try:
                assert definition.content
            except NotJson:
                raise NotAPackage(reason=f"{definition.type} {definition.id}") from None


_MANIFEST = msgspec.json.Decoder()
_HEAD = msgspec.json.Decoder(_Head)


def read_definition(body: bytes) -> Definition:
    """Read one definition in JSON. Raises `NotADefinition`."""
    try:
        head = _HEAD.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotADefinition(reason="no JSON of a resource") from None
    if not head.type:
        raise NotADefinition(reason="resourceType is missing")
    definition = Definition(head.type, head.id, head.url, head.version, body)
    try:
        assert definition.content
    except NotJson:
        raise NotADefinition(reason="a number in it cannot be read") from None
    return definition


def read_package(tgz: bytes) -> Package:
    """Read a package archive, every file of it. Raises `NotAPackage`."""
    manifest: dict[str, Any] = {}
    definitions: list[Definition] = []
    try:
        for name, body in _members(_unzipped(tgz)):
            if name == "package.json":
                manifest = _MANIFEST.decode(body)
                continue
            head = _HEAD.decode(body)
            if head.type:
                definitions.append(Definition(head.type, head.id, head.url, head.version, body))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise NotAPackage(reason=type(error).__name__) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAPackage(reason=f"{name} is no JSON") from None
    return _package(manifest, definitions)


def _package(manifest: Any, definitions: list[Definition]) -> Package:
    if not isinstance(manifest, dict) or not manifest.get("name"):
        raise NotAPackage(reason="package/package.json is missing or has no name")
    dependencies = manifest.get("dependencies")
    return Package(
        name=str(manifest["name"]),
        version=str(manifest.get("version", "")),
        canonical=str(manifest.get("canonical", "")),
        dependencies={str(k): str(v) for k, v in dependencies.items()}
        if isinstance(dependencies, dict)
        else {},
        definitions=tuple(definitions),
    )


def _unzipped(tgz: bytes) -> bytes:
    """Unzip as a whole: a tar that breaks off would lose members in silence."""
    with gzip.GzipFile(fileobj=io.BytesIO(tgz)) as file:
        unpacked = file.read(UNPACKED_MAX + 1)
    if len(unpacked) > UNPACKED_MAX:
        raise NotAPackage(reason=f"it unpacks to more than {UNPACKED_MAX} bytes")
    return unpacked


def _members(unpacked: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the JSON files that lie in `package/` itself, by their names there."""
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        for number, member in enumerate(archive):
            if number >= FILES_MAX:
                raise NotAPackage(reason=f"it has more than {FILES_MAX} files")
            folder, _, name = member.name.removeprefix("./").rpartition("/")
            if folder != "package" or not name.endswith(".json") or name.startswith("."):
                continue
            # A link may lead nowhere, and a sparse file be larger than all that was unzipped.
            if member.isreg() and not member.issparse():
                file = archive.extractfile(member)
                assert file is not None
                yield name, file.read()
