"""Snapshots: what a differential says, laid over its base."""

import pytest

from tests.support.profiles import URL, library_of, profile
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.library import (
    BaseUnknown,
    Library,
    ProfileCyclic,
    ProfileUnreadable,
)
from trucyte.fhir.packages.snapshot import BrokenProfile, ProfileTooLarge
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.packages.tree import flatten, read_tree

# Snapshots of R4's own package that its differentials do not give, by the place that differs.
DIFFER = {
    "bp",  # children repeated on the choice, as well as on its slice
    "catalog",  # lists less than its base has
    "elementdefinition-de",  # opens its extensions
    "familymemberhistory-genetic",  # lists less than its base has
}


@pytest.fixture(scope="module")
def core(definitions: Definitions, structures: Cache) -> Library:
    return Library(definitions, structures)


@pytest.fixture(scope="module")
def sources(r4_package: bytes) -> list[dict]:
    import gzip
    import io
    import json
    import tarfile

    found = []
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(r4_package))) as archive:
        for member in archive:
            if member.name.startswith("package/StructureDefinition-"):
                file = archive.extractfile(member)
                assert file is not None
                found.append(json.loads(file.read()))
    return [one for one in found if one.get("derivation") == "constraint" and "snapshot" in one]


def test_the_profiles_of_r4_give_the_snapshots_hl7_published(
    core: Library, sources: list[dict]
) -> None:
    assert len(sources) == 439
    differ = set()
    for source in sources:
        published = [element["id"] for element in source["snapshot"]["element"]]
        lean = {key: value for key, value in source.items() if key != "snapshot"}
        made = [element["id"] for element in core.snapshot_of(lean)]
        if made != published:
            differ.add(source["id"])
    assert differ == DIFFER


def test_cardinality_and_types_of_the_published_snapshots_agree(
    core: Library, sources: list[dict]
) -> None:
    for source in sources:
        if source["id"] in DIFFER:
            continue
        lean = {key: value for key, value in source.items() if key != "snapshot"}
        made = core.snapshot_of(lean)
        for published, ours in zip(source["snapshot"]["element"], made, strict=True):
            for key in ("min", "max", "sliceName"):
                assert published.get(key) == ours.get(key), (source["id"], published["id"])


def test_a_tree_gives_its_list_back(core: Library) -> None:
    elements = flatten(core.type_structure("Observation").tree)
    assert flatten(read_tree(elements)) == elements


def ids(library: Library, name: str) -> list[str]:
    return [e["id"] for e in flatten(library.structure(URL + name).tree)]


def test_slices_and_slices_of_slices_get_their_places(
    definitions: Definitions, structures: Cache
) -> None:
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    made = profile(
        "sliced",
        "Patient",
        {"path": "identifier", "slicing": slicing},
        {"path": "identifier", "sliceName": "card", "min": 1, "slicing": slicing},
        {"path": "identifier.system", "fixedUri": "http://card"},
        {"path": "identifier", "sliceName": "card/old", "max": "1"},
    )
    library = library_of(definitions, structures, [made])
    found = ids(library, "sliced")
    assert "Patient.identifier:card" in found
    assert "Patient.identifier:card.system" in found
    assert "Patient.identifier:card/old" in found
    tree = library.structure(URL + "sliced").tree
    card = tree.children["identifier"].slices["card"]
    assert card.own["min"] == 1 and card.slices["old"].own["min"] == 0
    assert card.children["system"].own["fixedUri"] == "http://card"


def test_ids_alone_lead_into_a_slice(definitions: Definitions, structures: Cache) -> None:
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    base = profile(
        "base",
        "Patient",
        {"path": "identifier", "slicing": slicing},
        {"path": "identifier", "sliceName": "a"},
        {"path": "identifier", "sliceName": "b"},
    )
    child = profile(
        "child",
        "Patient",
        {"id": "Patient.identifier:a.value", "path": "identifier.value", "min": 1},
        base=URL + "base",
    )
    tree = library_of(definitions, structures, [base, child]).structure(URL + "child").tree
    slices = tree.children["identifier"].slices
    assert slices["a"].children["value"].own["min"] == 1
    assert not slices["b"].children


def test_a_profile_on_a_type_and_a_content_reference_are_opened(
    definitions: Definitions, structures: Cache
) -> None:
    inner = profile("inner", "Identifier", {"path": "value", "min": 1})
    inner["kind"] = "complex-type"
    outer = profile(
        "outer",
        "Observation",
        {"path": "identifier", "type": [{"code": "Identifier", "profile": [URL + "inner"]}]},
        {"path": "identifier.system", "min": 1},
        {"path": "component.referenceRange.text", "min": 1},
    )
    tree = library_of(definitions, structures, [inner, outer]).structure(URL + "outer").tree
    identifier = tree.children["identifier"]
    assert identifier.children["value"].own["min"] == 1
    assert identifier.children["system"].own["min"] == 1
    ranges = tree.children["component"].children["referenceRange"]
    assert ranges.children["text"].own["min"] == 1


def test_a_choice_named_by_its_type_is_narrowed_to_it(
    definitions: Definitions, structures: Cache
) -> None:
    made = profile("typed", "Observation", {"path": "valueQuantity", "min": 1})
    tree = library_of(definitions, structures, [made]).structure(URL + "typed").tree
    value = tree.children["value[x]"]
    assert [one["code"] for one in value.types] == ["Quantity"]
    assert value.slices["valueQuantity"].own["min"] == 1


def test_rules_of_the_base_stay_unless_they_are_said_anew(
    definitions: Definitions, structures: Cache
) -> None:
    rule = {"key": "mine-1", "severity": "error", "human": "?", "expression": "true"}
    made = profile("ruled", "Patient", {"path": "", "constraint": [rule]})
    own = library_of(definitions, structures, [made]).structure(URL + "ruled").tree.own
    keys = [one["key"] for one in own["constraint"]]
    assert "dom-2" in keys and keys.count("mine-1") == 1


# --- what cannot be made ---------------------------------------------------------------------


def test_a_profile_that_rests_on_itself_is_named(
    definitions: Definitions, structures: Cache
) -> None:
    one = profile("one", "Patient", {"path": "active", "min": 1}, base=URL + "two")
    two = profile("two", "Patient", {"path": "active", "min": 1}, base=URL + "one")
    library = library_of(definitions, structures, [one, two])
    with pytest.raises(ProfileCyclic) as cyclic:
        library.structure(URL + "one")
    assert cyclic.value.facts["profile"] == URL + "one"


def test_a_base_that_is_not_there_is_named(definitions: Definitions, structures: Cache) -> None:
    made = profile("lost", "Patient", base="http://nowhere/base")
    with pytest.raises(BaseUnknown) as unknown:
        library_of(definitions, structures, [made]).structure(URL + "lost")
    assert unknown.value.facts["base"] == "http://nowhere/base"


def test_an_element_without_a_place_is_named(definitions: Definitions, structures: Cache) -> None:
    made = profile("odd", "Patient", {"path": "name.nickname", "min": 1})
    with pytest.raises(BrokenProfile) as broken:
        library_of(definitions, structures, [made]).structure(URL + "odd")
    assert broken.value.facts["path"] == "Patient.name.nickname"


@pytest.mark.parametrize(
    "wrong",
    [
        {"snapshot": {"element": [1]}},
        {"snapshot": []},
        {"differential": {"element": [{"path": 1}]}},
        {"differential": {"element": [None]}},
        {"differential": {"element": [{"path": "Patient.name", "constraint": [1]}]}},
        {"differential": {}, "baseDefinition": ""},
    ],
)
def test_malformed_definitions_are_refused(
    wrong: dict, definitions: Definitions, structures: Cache
) -> None:
    made = profile("wrong", "Patient") | wrong
    with pytest.raises((ProfileUnreadable, BrokenProfile)):
        library_of(definitions, structures, [made]).structure(URL + "wrong")


def test_a_profile_that_doubles_itself_is_stopped(
    definitions: Definitions, structures: Cache
) -> None:
    elements = []
    for number in range(200):
        elements.append({"path": "contact", "sliceName": f"s{number}"})
        elements += [
            {"path": "contact.organization.identifier.assigner" + ".identifier.assigner" * n}
            for n in range(20)
        ]
    made = profile("huge", "Patient", *elements)
    with pytest.raises((ProfileTooLarge, BrokenProfile)):
        library_of(definitions, structures, [made]).structure(URL + "huge")
