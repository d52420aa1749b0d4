"""Two visits of one patient give back their own XML, in whichever order they arrive."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.claims_round_trip import KEY, NoLists, Shelf, make_visit, write
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.tables import Row

MAPPING = TableMapping(KEY, NoLists())

_PEOPLE = st.fixed_dictionaries(
    {"HO_TEN": st.sampled_from(["TRẦN THỊ B", "TRẦN THỊ BÉ"])},
    optional={
        "DIA_CHI": st.sampled_from(["Thôn 1", "Phố Mới", "Phố Mới, phường 2"]),
        "DIEN_THOAI": st.sampled_from(["0900000001", "0900000002", "+84 900"]),
        "MATINH_CU_TRU": st.sampled_from(["01", "79"]),
        "MAXA_CU_TRU": st.sampled_from(["00001", "26734"]),
        "MA_THE_BHYT": st.sampled_from(["GD1", "GD2", "GD1;GD2", "GD2;GD1", "GD1;GD1"]),
        "MA_DKBD": st.sampled_from(["00001", "00002", "00001;00002"]),
        "GT_THE_TU": st.sampled_from(["20250101", "20260101;20250601"]),
        "GT_THE_DEN": st.sampled_from(["20251231", "20261231;20251231"]),
        "MA_KHUVUC": st.sampled_from(["K1", "K3"]),
        "SO_CCCD": st.sampled_from(["000085000001", "123456789"]),
    },
)


@settings(max_examples=200, deadline=None)
@given(_PEOPLE, _PEOPLE, st.booleans())
def test_both_visits_give_back_their_own(first: Row, second: Row, is_swapped: bool) -> None:
    visits = [
        make_visit({"XML1": [{"MA_LK": link, "MA_BN": "BN-1", "NGAY_VAO": day, **row}]}, link=link)
        for link, day, row in (
            ("LK-1", "202601010800", first),
            ("LK-2", "202607010800", second),
        )
    ]
    shelf = Shelf()
    arrived = visits[::-1] if is_swapped else visits
    written = [(visit, write(MAPPING, visit, shelf)) for visit in arrived]
    for visit, resources in written:
        assert MAPPING.claim(resources, shelf.at) == visit


def test_both_visits_are_of_one_patient_and_one_card_is_one_coverage() -> None:
    visits = [
        make_visit({"XML1": [{"MA_THE_BHYT": "GD1", "DIA_CHI": place}]}, link=link)
        for link, place in (("LK-1", "Thôn 1"), ("LK-2", "Phố Mới"))
    ]
    shelf = Shelf()
    for visit in visits:
        write(MAPPING, visit, shelf)
    assert sum(name.startswith("Patient/") for name in shelf.current) == 1
    assert sum(name.startswith("Coverage/") for name in shelf.current) == 1
