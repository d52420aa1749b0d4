"""The table of standing, against a plain reading of the rules, at every day that matters."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trucyte.fhir.search.moments import EARLIEST, LATEST
from trucyte.shared.identity.registers.licence import Licence, Practice, Spell, State
from trucyte.shared.identity.registers.standing import REASONS, Facts, Why, standing_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
START = 20_000 * DAY
DAYS = range(10)


def day(number: int) -> int:
    return START + number * DAY


def moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def why(facts: Facts, number: int, **more: str) -> Why:
    return standing_of(facts, moment(day(number)), **more).why


@pytest.mark.parametrize("state", State)
def test_every_order_of_first_last_and_states_days_is_answered_as_written(state: State) -> None:
    for first, last, begins, ends, today in product(
        range(0, 10, 3), range(1, 11, 3), DAYS, DAYS, DAYS
    ):
        if first >= last or begins >= ends:
            continue
        licence = Licence(
            "A", day(first), day(last), spells=(Spell(state, day(begins), day(ends)),)
        )
        expected = Why.IN_FORCE
        if today >= last:
            expected = Why.EXPIRED
        if today < first:
            expected = Why.NOT_YET
        if begins <= today < ends:
            expected = Why(state.value)
        found = standing_of(Facts(True, (licence,)), moment(day(today)))
        assert (found.why, found.may_sign) == (expected, expected is Why.IN_FORCE)


def test_a_revocation_bars_older_licences_too_and_not_a_later_one() -> None:
    for older, revoked, newer, today in product(DAYS, DAYS, DAYS, DAYS):
        lost = Licence("A", day(3), LATEST, spells=(Spell(State.REVOKED, day(revoked), LATEST),))
        old, new = Licence("B", day(older), LATEST), Licence("C", day(newer), LATEST)
        barred = [one for one in (old, new) if one.low <= day(revoked) <= day(today)]
        free = [one for one in (old, new) if one.low <= day(today) and one not in barred]
        can = bool(free) or (3 <= today < revoked)
        facts = Facts(True, (lost, old, new))
        assert standing_of(facts, moment(day(today))).may_sign == can


def test_a_replaced_licence_bars_no_other() -> None:
    old = Licence("A", day(0), LATEST, spells=(Spell(State.REPLACED, day(5), LATEST),))
    new = Licence("B", day(5), LATEST)
    assert why(Facts(True, (old, new)), 4) is Why.IN_FORCE
    assert why(Facts(True, (old, new)), 5) is Why.IN_FORCE
    assert why(Facts(True, (old,)), 5) is Why.REPLACED


def test_a_state_without_a_first_day_bars_every_licence() -> None:
    lost = Licence("A", day(0), LATEST, spells=(Spell(State.REVOKED, EARLIEST, LATEST),))
    assert why(Facts(True, (lost, Licence("B", day(2), LATEST))), 5) is Why.REVOKED


def test_the_last_row_takes_everything_and_each_reason_stands_once() -> None:
    assert [reason for reason, _ in REASONS].count(Why.IN_FORCE) == 1
    assert len({reason for reason, _ in REASONS}) == len(REASONS)
    assert REASONS[-1][0] is Why.IN_FORCE


def test_scope_and_place_are_judged_only_where_any_is_recorded() -> None:
    licence = Licence("A", day(0), day(9), frozenset({"noi"}))
    here = Practice("Organization/a", day(1), day(4), frozenset({"Organization/a", "79001"}))
    facts = Facts(True, (licence,), (here,))
    assert why(facts, 2, scope="noi", place="79001") is Why.IN_FORCE
    assert why(facts, 2, scope="ngoai", place="79001") is Why.OUT_OF_SCOPE
    assert why(facts, 2, place="79002") is Why.OUT_OF_PLACE
    assert why(facts, 5, place="Organization/a") is Why.OUT_OF_PLACE
    bare = Facts(True, (Licence("A", day(0), day(9)),))
    assert why(bare, 2, scope="ngoai", place="79002") is Why.IN_FORCE


def test_what_is_unknown_is_the_operators_choice() -> None:
    for facts, reason in ((Facts(), Why.UNKNOWN), (Facts(True), Why.NO_LICENCE)):
        for accepts in (True, False):
            found = standing_of(facts, moment(day(1)), accepts_unknown=accepts)
            assert (found.may_sign, found.why) == (accepts, reason)


def test_who_is_not_active_may_not_sign_from_then_on() -> None:
    facts = Facts(True, (Licence("A", day(0), LATEST),), inactive_from=day(4))
    assert why(facts, 3) is Why.IN_FORCE
    assert why(facts, 4) is Why.INACTIVE


ranges = st.tuples(
    st.sampled_from([EARLIEST, *map(day, DAYS)]), st.sampled_from([*map(day, DAYS), LATEST])
)
spells = st.builds(lambda state, span: Spell(state, *span), st.sampled_from(State), ranges)
licences = st.builds(
    lambda number, span, states: Licence(number, *span, spells=tuple(states)),
    st.sampled_from("ABC"), ranges, st.lists(spells, max_size=3),
)  # fmt: skip
practices = st.builds(lambda span: Practice("o", *span, frozenset({"o"})), ranges)
all_facts = st.builds(
    lambda known, held, places, inactive: Facts(known, tuple(held), tuple(places), inactive),
    st.booleans(), st.lists(licences, max_size=3), st.lists(practices, max_size=2),
    st.none() | st.sampled_from([*map(day, DAYS)]),
)  # fmt: skip


@given(all_facts, st.integers(0, 10 * 24), st.sampled_from([None, "o", "p"]))
def test_an_answer_holds_until_the_moment_it_names_and_not_longer_than_needed(
    facts: Facts, hour: int, place: str | None
) -> None:
    at = moment(day(0)) + timedelta(hours=hour)
    answer = standing_of(facts, at, place=place)
    end = answer.until or moment(day(12))
    assert end > at
    for part in (0.1, 0.5, 0.999999):
        later = standing_of(facts, at + (end - at) * part, place=place)
        assert (later.may_sign, later.why) == (answer.may_sign, answer.why)


@given(all_facts, st.sampled_from(DAYS))
def test_nobody_signs_by_a_licence_that_is_barred_or_out_of_its_days(
    facts: Facts, number: int
) -> None:
    answer = standing_of(facts, moment(day(number)), accepts_unknown=False)
    if answer.may_sign:
        assert answer.licence is not None
        assert answer.licence.low <= day(number) < answer.licence.high
        assert not any(spell.low <= day(number) < spell.high for spell in answer.licence.spells)
