"""The mapping table itself: every field of every table has a row, and each alone survives."""

import pytest

from tests.claims_round_trip import KEY, NoLists, make_visit, round_trip
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.mapping.plan import load_plan
from trucyte.intake.claims.mapping.rules import make_rule
from trucyte.intake.claims.tables import TABLES, Row
from trucyte.vietnam.claims_fields import claims_fields
from trucyte.vietnam.systems import load_systems

MAPPING = TableMapping(KEY, NoLists())
TEXTS = ("1", "07", "202607150800", "20260715", "J02.9;R50.9", "Đau  bụng\t", "3500.00", "<3,5")


def test_each_of_the_481_fields_has_one_row() -> None:
    wanted = {(each.table, each.field) for each in claims_fields()}
    rows = [(row.table, row.field) for table in TABLES for row in MAPPING.plan(table).rows]
    assert len(wanted) == 481
    assert wanted <= set(rows)
    assert len(rows) == len(set(rows))


def test_every_row_says_what_an_empty_field_gives() -> None:
    answers = {row.absent for table in TABLES for row in MAPPING.plan(table).rows}
    assert answers == {"nothing", "finding", "unknown", "implied"}


def test_a_row_with_an_unknown_rule_does_not_compile() -> None:
    with pytest.raises(KeyError):
        make_rule("guess", load_systems())
    with pytest.raises(KeyError):
        make_rule("code no-such-system", load_systems())


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("text", TEXTS)
def test_each_field_alone_survives(table: str, text: str) -> None:
    for row in MAPPING.plan(table).rows:
        tables: dict[str, list[Row]] = {table: [{row.field: text}]}
        if table not in {"XML0", "XML1"}:
            tables["XML1"] = [{"MA_LK": "MAU-1", "MA_BN": "BN-1", "MA_LOAI_KCB": "03"}]
        visit = make_visit(dict(sorted(tables.items())))
        assert round_trip(MAPPING, visit).tables == visit.tables, row.field


def test_a_field_no_decision_knows_travels_all_the_same() -> None:
    for table in TABLES:
        visit = make_visit({table: [{"TRUONG_LA": "1 < 2 & 3"}]})
        assert round_trip(MAPPING, visit).tables == visit.tables


def test_the_order_of_rows_comes_back_where_the_row_number_does_not_tell_it() -> None:
    for numbers in (("3", "1", "2"), ("1", "1", "1"), ("", "", ""), ("x", "1", "2")):
        rows = [
            {"TEN_CHI_SO": name, **({"STT": number} if number else {})}
            for name, number in zip("ABC", numbers, strict=True)
        ]
        visit = make_visit({"XML4": rows})
        assert round_trip(MAPPING, visit).tables == visit.tables


def test_text_of_any_length_and_any_sign_survives() -> None:
    texts = ("a" * 1_100_000, "&lt;b&gt; <b>x</b> ]]> &amp;", " ", "\t", "e\u0302\u0301", "\u00a0")
    for text in texts:
        visit = make_visit({"XML5": [{"DIEN_BIEN_LS": text, "DU_PHONG": text}]})
        assert round_trip(MAPPING, visit).tables == visit.tables


def test_the_table_is_compiled_once_for_each_set_of_anchors() -> None:
    plan = load_plan("XML2", load_systems())
    assert plan.steps(("item", "request")) is plan.steps(("item", "request"))
