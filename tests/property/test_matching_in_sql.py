"""A pair gets one level, one weight and one verdict, whether Python or SQL looks at it."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.shared.identity.bulk.scoring import rules_of, score_pairs
from trucyte.shared.identity.bulk.tables import (
    FREQUENT,
    levels_sql,
    measure_frequencies,
    spread_frequencies,
    take_frequencies,
)
from trucyte.shared.identity.matching.deciding import decide
from trucyte.shared.identity.matching.levels import COMPARISONS, compare
from trucyte.shared.identity.matching.model import load_model
from trucyte.shared.identity.matching.person import COLUMNS, Person, person_of

_NAMES = """Nguyễn Thị Hòa|Nguyễn Thị Hoà|NGUYEN THI HOA|Nguyen Thi Hoaf|Hòa Nguyễn Thị|Trần Hà
Trần Hạ|Tran Ha|Huỳnh Văn Lan|Hoàng Văn Loan|Võ Phước An|Vũ Phúc An|N. V. An|An||CON BÀ TRẦN HÀ
Con bà Trần Hà 2|Y Luyên Mlô|王小明|Lê Thị Bích Ngọc|Lê Bích Ngọc|Le Thi Bich Ngcoj
Lê Phúc|Lê Phước|An Phuoc Vo|Lê Thị Ngọc"""
_names = st.sampled_from(_NAMES.replace("\n", "|").split("|"))
_BIRTHS = """1985-03-07 1985-07-03 1985-01-01 1985 1984-03-07 1986-03-07 1985-03-08 1958-03-07
2011-12-30 1900-01-01 2999-01-01 x 07/03/1985"""
_births = st.sampled_from(("", *_BIRTHS.split()))
_numbers = st.sampled_from(("", "001185000123", "001185000132", "001185999123", "000000000000"))
_phones = st.sampled_from(("", "0912345678", "0912345679", "+84 912 345 678", "0987654321"))
_ADDRESSES = """Số 5 Hàng Bông, Phường Hoàn Kiếm, Hà Nội|5 Hang Bong, P. Hoan Kiem, Ha Noi|Huế
Thôn 3, Xã Ba Vì, Hà Nội|Thôn 3, Xã Sóc Sơn, Hà Nội|5 Hàng Bông, Xã Sóc Sơn, Hà Nội|"""
_addresses = st.sampled_from(_ADDRESSES.replace("\n", "|").split("|"))
_rows = st.fixed_dictionaries(
    {
        "name": _names,
        "birth_date": _births,
        "sex": st.sampled_from(("", "1", "2", "nữ")),
        "personal_number": _numbers,
        "social_number": st.sampled_from(("", "0102030405", "0102030406", "0918273645")),
        "phone": _phones,
        "address": _addresses,
        "mother_name": st.sampled_from(("", "Trần Hà", "Tran Ha", "Lê Thị Bích Ngọc")),
    }
)


def table_of(persons: list[Person]) -> duckdb.DuckDBPyConnection:
    """Return a database with the persons as rows 0, 1, …, and each with each as pairs."""
    connection = duckdb.connect()
    columns = {name: [getattr(each, name) or None for each in persons] for name in COLUMNS}
    arrived = pa.table(
        {
            "n": pa.array(range(len(persons)), pa.int32()),
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
        }
    )
    connection.register("arrived", arrived)
    connection.execute("CREATE TABLE persons AS SELECT * FROM arrived")
    connection.execute(
        "CREATE TABLE pairs AS SELECT a.n AS l, b.n AS r FROM persons a, persons b WHERE a.n < b.n"
    )
    return connection


@settings(max_examples=60, deadline=None)
@given(st.lists(_rows, min_size=2, max_size=12))
def test_python_and_sql_see_one_level(rows: list[dict[str, str]]) -> None:
    persons = [person_of(row) for row in rows]
    with table_of(persons) as connection:
        measure_frequencies(connection)
        spread_frequencies(connection, {})
        found = connection.execute(
            f"SELECT l.n, r.n, {levels_sql()} FROM pairs p"  # noqa: S608 - ours
            " JOIN scored_persons l ON l.n = p.l JOIN scored_persons r ON r.n = p.r"
        ).fetchall()
    names = {c.name: (*c.names(), "missing") for c in COMPARISONS}
    for left, right, *levels in found:
        by_sql = {name: named[n] for (name, named), n in zip(names.items(), levels, strict=True)}
        assert by_sql == compare(persons[left], persons[right]), (rows[left], rows[right])


@settings(max_examples=40, deadline=None)
@given(st.lists(_rows, min_size=2, max_size=10))
def test_python_and_sql_decide_alike(rows: list[dict[str, str]]) -> None:
    model = load_model()
    persons = [person_of(row) for row in rows]
    with table_of(persons) as connection:
        for column in FREQUENT:
            connection.execute(f"CREATE TABLE share_{column} (value VARCHAR, share DOUBLE)")
        take_frequencies(connection, model)
        spread_frequencies(connection, model.rare)
        score_pairs(connection, model, prior=model.prior, keep=0.0)
        found = connection.execute(
            "SELECT l, r, bits, probability, verdict, rules FROM scores"
        ).fetchall()
    assert len(found) == len(persons) * (len(persons) - 1) // 2
    for left, right, bits, probability, verdict, mask in found:
        evidence = model.weigh(persons[left], persons[right])
        decision = decide(persons[left], persons[right], evidence, model)
        assert bits == pytest.approx(evidence.weight_bits, abs=1e-3)
        assert probability == pytest.approx(evidence.probability, abs=1e-3)
        near = min(abs(probability - t) for t in (model.thresholds.sure, model.thresholds.unsure))
        if near > 1e-3:
            assert ("different", "unsure", "sure")[verdict] == decision.verdict
            if decision.rules:
                assert rules_of(mask, verdict) == decision.rules


@settings(max_examples=100, deadline=None)
@given(_rows, _rows)
def test_the_order_of_two_records_makes_no_difference(
    one: dict[str, str], other: dict[str, str]
) -> None:
    left, right = person_of(one), person_of(other)
    assert compare(left, right) == compare(right, left)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(("name", "birth_date", "phone", "address", "sex",
    "personal_number", "card_number", "mother_name")), st.text(max_size=400)))  # fmt: skip
def test_any_text_becomes_a_person(row: dict[str, str]) -> None:
    person = person_of(row)
    assert all(isinstance(getattr(person, column), str) for column in COLUMNS)


def test_the_packaged_model_is_small() -> None:
    import trucyte.shared.identity.matching as package

    assert (Path(package.__file__).parent / "model.json").stat().st_size < 2_000_000
