"""Packages are read whole, found by canonical, and put in order by what they need."""

import gzip
import json

import pytest

from tests.support.profiles import URL, definition, library_of, package, profile, tgz
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.package import NotAPackage
from trucyte.fhir.packages import read
from trucyte.fhir.packages.library import (
    CORES,
    Missing,
    ProfileUnknown,
    in_order,
)
from trucyte.fhir.packages.read import NotADefinition, read_definition, read_package
from trucyte.fhir.packages.structures import Cache

ONE = {"resourceType": "ValueSet", "url": "http://test.vn/ValueSet/one", "version": "1.2.3"}


def test_a_package_gives_name_version_needs_and_definitions() -> None:
    read_one = read_package(package("test.one", "1.0.0", ONE, needs={"test.two": "2.x"}))
    assert (read_one.name, read_one.version) == ("test.one", "1.0.0")
    assert read_one.dependencies == {"test.two": "2.x"}
    (found,) = read_one.definitions
    assert (found.type, found.url, found.version) == ("ValueSet", ONE["url"], "1.2.3")
    assert found.content == ONE


def test_examples_and_other_folders_are_left_out() -> None:
    manifest = json.dumps({"name": "a", "version": "1"}).encode()
    files = {
        "package/package.json": manifest,
        "package/example/Patient-1.json": b'{"resourceType":"Patient"}',
        "package/.index.json": b"{}",
        "package/note.txt": b"?",
    }
    assert read_package(tgz(files)).definitions == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no tar"),
        tgz({}),
        tgz({"package/package.json": b"[]"}),
        tgz({"package/package.json": b"{"}),
        tgz({"package/package.json": b'{"name":"a"}', "package/x.json": b"{"}),
        package("a", "1", ONE)[:-20],
    ],
    ids=["empty", "no gzip", "no tar", "no files", "list", "broken", "broken file", "cut off"],
)
def test_what_is_no_package_is_refused_with_the_reason(body: bytes) -> None:
    with pytest.raises(NotAPackage) as refused:
        read_package(body)
    assert refused.value.facts["reason"]


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "UNPACKED_MAX", 10_000)
    with pytest.raises(NotAPackage, match="unpacks to more"):
        read_package(gzip.compress(b"\0" * 1_000_000))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"url":"x"}'])
def test_what_is_no_definition_is_refused(body: bytes) -> None:
    with pytest.raises(NotADefinition):
        read_definition(body)


def test_needs_come_first_and_the_highest_fitting_version_is_taken() -> None:
    packages = [
        read_package(package("a", "1.0.0", needs={"b": "1.2.x", "hl7.fhir.r4.core": "4.0.1"})),
        read_package(package("b", "1.2.9")),
        read_package(package("b", "1.2.10")),
        read_package(package("b", "2.0.0")),
    ]
    placed, missing = in_order(packages)
    assert missing == []
    ordered = [(one.name, one.version) for one in placed]
    assert ordered.index(("b", "1.2.10")) > ordered.index(("b", "1.2.9"))
    assert ordered.index(("b", "1.2.10")) < ordered.index(("a", "1.0.0"))
    assert len(ordered) == 4


def test_packages_that_need_each_other_are_both_placed() -> None:
    one = read_package(package("a", "1", needs={"b": "1"}))
    other = read_package(package("b", "1", needs={"a": "1"}))
    assert {p.name for p in in_order([one, other])[0]} == {"a", "b"}


def test_a_missing_need_is_named() -> None:
    _, missing = in_order([read_package(package("a", "1", needs={"b": "9"}))])
    assert missing == [Missing("a", "b", "9")]


def test_a_definition_is_found_by_url_and_by_version(
    definitions: Definitions, structures: Cache
) -> None:
    library = library_of(definitions, structures, [ONE, {**ONE, "version": "2.0.0"}])
    url = ONE["url"]
    assert library.find(url, "ValueSet") == {**ONE, "version": "2.0.0"}
    assert library.find(url + "|1.2", "ValueSet") == ONE
    assert library.find(url + "|3", "ValueSet") is None
    assert library.find(url, "CodeSystem") is None


def test_the_two_cores_of_viet_nam_answer_for_each_other(
    definitions: Definitions, structures: Cache
) -> None:
    made = profile("x", "Patient") | {"url": CORES[0] + "/StructureDefinition/x"}
    library = library_of(definitions, structures, [made])
    assert library.structure(CORES[1] + "/StructureDefinition/x").url == made["url"]
    with pytest.raises(ProfileUnknown):
        library.structure(CORES[1] + "/StructureDefinition/y")


def test_what_is_added_later_wins(definitions: Definitions, structures: Cache) -> None:
    library = library_of(definitions, structures, [profile("x", "Patient")])
    assert library.structure(URL + "x").type == "Patient"
    library.add([definition(profile("x", "Observation"))])
    assert library.structure(URL + "x").type == "Observation"
