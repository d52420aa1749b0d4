"""Profiles and packages made on the spot, and what a check says about a resource."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.read import Definition, read_definition
from trucyte.fhir.packages.structures import Cache

Resource = dict[str, Any]
URL = "http://test.vn/StructureDefinition/"


def definition(resource: Mapping[str, Any]) -> Definition:
    return read_definition(json.dumps(resource).encode())


def library_of(
    definitions: Definitions, structures: Cache, resources: Iterable[Mapping[str, Any]] = ()
) -> Library:
    library = Library(definitions, structures)
    library.add(definition(resource) for resource in resources)
    return library


def profile(
    name: str, type: str, *elements: Mapping[str, Any], base: str = "", **more: Any
) -> Resource:
    """A profile by its differential; paths are given without the type in front."""
    laid = []
    for element in elements:
        path = element.get("path", "")
        laid.append({**element, "path": f"{type}.{path}" if path else type})
    return {
        "resourceType": "StructureDefinition",
        "url": URL + name,
        "name": name,
        "status": "active",
        "kind": "complex-type" if type == "Extension" else "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": base or f"http://hl7.org/fhir/StructureDefinition/{type}",
        "derivation": "constraint",
        "differential": {"element": laid},
        **more,
    }


def errors(issues: Iterable[Issue]) -> list[tuple[str, str]]:
    return [(i.message_id, i.location) for i in issues if i.severity is Severity.ERROR]


def tgz(files: Mapping[str, bytes]) -> bytes:
    """A package archive of files by their names."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return gzip.compress(packed.getvalue())


def package(
    name: str, version: str, *resources: Mapping[str, Any], needs: Mapping[str, str] | None = None
) -> bytes:
    manifest = {"name": name, "version": version, "dependencies": dict(needs or {})}
    files = {"package/package.json": json.dumps(manifest).encode()}
    for number, resource in enumerate(resources):
        files[f"package/{resource['resourceType']}-{number}.json"] = json.dumps(resource).encode()
    return tgz(files)
