"""The national pack holds what the reference gives completely, and nothing invented."""

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.shared.terminology.edition import resources_of
from trucyte.shared.terminology.national import list_names, national_pack
from trucyte.vietnam.packaged_lists import PackagedLists

PACK = national_pack()
EDITIONS = {edition.name: edition for edition in PACK.editions}

# Codes of each list as `reference/vn-formats.md` section 3 and `vn-law.md` section 13 give them.
GIVEN = {
    "gioi-tinh": ["1", "2", "3"],
    "gioi-tinh-don-thuoc": ["1", "2", "3"],
    "nhom-chi-phi": [str(number) for number in range(1, 20)],
    "chi-phi-697": ["1", "2.1", "2.2", "2.3", *(str(number) for number in range(3, 13))],
    "loai-kcb": [f"{number:02d}" for number in range(1, 17)],
    "doi-tuong-kcb": [
        *(f"1.{number}" for number in range(1, 19)),
        *("2", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7"),
        *("7", "7.1", "7.2", "7.3", "7.4", "8", "9", "10"),
    ],
    "ket-qua-dtri": [str(number) for number in range(1, 9)],
    "loai-rv": [str(number) for number in range(1, 6)],
    "tai-nan": [str(number) for number in range(9)],
    "dan-toc": [f"{number:02d}" for number in range(57)],
}
NOT_OPEN = ("co-so-kcb", "don-vi-bhxh", "thuoc", "dich-vu", "chi-so", "vat-tu", "icd9", "yhct")


@pytest.mark.parametrize("name", GIVEN)
def test_a_list_is_as_long_as_it_is_given(name: str) -> None:
    codes = [concept.code for concept in EDITIONS[name].concepts]
    assert sorted(codes) == sorted(GIVEN[name])
    assert EDITIONS[name].is_whole


def test_the_provinces_and_their_prefixes_are_63_and_34() -> None:
    terms = EDITIONS["tinh"].concepts
    assert sum(term.valid_to is not None for term in terms) == 63
    assert sum(term.valid_to is None for term in terms) == 34
    prefixes = [term.code for term in EDITIONS["cccd-tinh"].concepts]
    assert len(prefixes) == 63
    assert (prefixes[0], prefixes[-1]) == ("001", "096")


@pytest.mark.parametrize("name", NOT_OPEN)
def test_a_list_that_is_not_open_has_a_name_and_no_rows(name: str) -> None:
    assert name in list_names()
    assert name not in EDITIONS


def test_every_list_of_the_package_is_in_the_pack_and_says_where_it_comes_from() -> None:
    assert set(PackagedLists().names()) <= set(list_names())
    for edition in EDITIONS.values():
        assert edition.legal and edition.source and edition.title, edition.name


def test_what_is_not_whole_says_so() -> None:
    for edition in EDITIONS.values():
        main = resources_of(edition)[1]
        wanted = ("complete", "not-present") if edition.is_whole else ("fragment",)
        assert main["content"] in wanted, edition.name


def test_the_codes_of_published_samples_are_no_part_of_a_list() -> None:
    assert "00" not in {term.code for term in EDITIONS["tinh"].concepts}


def test_maps_lead_to_codes_that_exist(definitions: Definitions) -> None:
    by_url = {edition.url: {c.code for c in edition.concepts} for edition in EDITIONS.values()}
    maps = [one for one in PACK.others if one["resourceType"] == "ConceptMap"]
    assert len(maps) == 6
    for one in maps:
        for group in one["group"]:
            known = by_url.get(group["target"]) or _language(definitions, group["target"])
            for element in group["element"]:
                assert element["code"] in by_url[group["source"]]
                assert {target["code"] for target in element["target"]} <= known, one["id"]


def _language(definitions: Definitions, url: str) -> set[str]:
    system = definitions.code_system(url)
    assert system is not None, url
    return {concept.code for concept in system.concepts}


def test_the_pack_is_valid(definitions: Definitions) -> None:
    checker = Validator(definitions)
    resources = [r for e in PACK.editions for p, m in [resources_of(e)] for r in (*p, m)]
    for resource in (*resources, *PACK.others):
        assert checker.check(resource) == [], resource["id"]
