"""Score all candidate pairs in one pass: levels, weights, rules, verdict, as SQL."""

from math import log2

import duckdb

from trucyte.shared.identity.bulk.tables import FREQUENT, bits_sql, levels_sql, one
from trucyte.shared.identity.matching.levels import COMPARISONS, MISSING
from trucyte.shared.identity.matching.model import BORNE_SHARE_MIN, NAME_PARTS, Model
from trucyte.shared.identity.matching.rules import DIFFERENT, RULES, SURE, UNSURE

VERDICTS = (DIFFERENT, UNSURE, SURE)  # as numbers 0, 1, 2
_NAMES = {comparison.name: comparison.names() for comparison in COMPARISONS}


def score_pairs(
    connection: duckdb.DuckDBPyConnection, model: Model, *, prior: float, keep: float
) -> int:
    """Make `scores` (l, r, bits, probability, rules, verdict, the levels); return its rows.

    Pairs below the probability `keep` are not kept unless a rule links them.
    """
    connection.execute(scores_sql(model, prior=prior, keep=keep))
    return int(one(connection, "SELECT count(*) FROM scores"))


def scores_sql(model: Model, *, prior: float, keep: float) -> str:
    """Return the statement that makes `scores` from `pairs` and `scored_persons`."""
    levels = ", ".join(f"lv_{comparison.name}" for comparison in COMPARISONS)
    return f"""
    CREATE OR REPLACE TABLE scores AS
    WITH leveled AS (
        SELECT p.l AS l_n, p.r AS r_n, {levels_sql()}, {_shares_sql()}, {_conditions_sql()},
            coalesce(l.name_sound = r.name_sound, false) AS same_name
        FROM pairs p
        JOIN scored_persons l ON l.n = p.l
        JOIN scored_persons r ON r.n = p.r
    ), weighed AS (
        SELECT *, {_total_sql(model)} AS bits FROM leveled
    ), likely AS (
        SELECT *, 1 / (1 + exp2(-least(60, greatest(-60, bits + {prior_bits(prior):.6f}))))
            AS probability
        FROM weighed
    ), ruled AS (
        SELECT *, {_rules_sql()} AS rules FROM likely
    )
    SELECT l_n AS l, r_n AS r, CAST(bits AS FLOAT) AS bits, probability, rules,
        CAST({_verdict_sql(model)} AS TINYINT) AS verdict, {levels}
    FROM ruled
    WHERE probability >= {keep} OR (rules & {_mask(SURE)}) <> 0
    """.replace("exp2(", "pow(2, ")


def prior_bits(prior: float) -> float:
    """Return the prior as bits of odds."""
    return log2(prior / (1 - prior))


def _shares_sql() -> str:
    return ", ".join(f"least(l.{c}_share, r.{c}_share) AS {c}_rarer" for c in FREQUENT)


def _conditions_sql() -> str:
    parts = []
    for number, rule in enumerate(RULES):
        wanted = []
        if rule.when:
            wanted.append(f"coalesce({rule.when.sql()}, false)")
        if rule.borne:
            share = f"least(l.{rule.borne}_share, r.{rule.borne}_share)"
            wanted.append(f"coalesce({share} >= {log2(BORNE_SHARE_MIN):.6f}, false)")
        if wanted:
            parts.append(f"{' AND '.join(wanted)} AS when_{number}")
    return ", ".join(parts)


def _total_sql(model: Model) -> str:
    bits = {c.name: f"({bits_sql(c, model)})" for c in COMPARISONS}
    names = " + ".join(bits[name] for name in NAME_PARTS)
    excess = f"CASE WHEN same_name THEN greatest(0, {names} + name_sound_rarer) ELSE 0 END"
    return f"{' + '.join(bits.values())} - {excess}"


def _rules_sql() -> str:
    cases = []
    for number, rule in enumerate(RULES):
        wanted = [
            f"lv_{name} IN ({', '.join(str(n) for n in sorted(_numbers(name, names)))})"
            for name, names in rule.levels.items()
        ]
        if rule.when or rule.borne:
            wanted.append(f"when_{number}")
        cases.append(f"(CASE WHEN {' AND '.join(wanted)} THEN {1 << number} ELSE 0 END)")
    return " + ".join(cases)


def _numbers(comparison: str, names: frozenset[str]) -> set[int]:
    """Return the numbers of levels of these names; names a comparison lacks are passed over."""
    found = {n for n, name in enumerate(_NAMES[comparison]) if name in names}
    return found | ({-1} if MISSING in names else set())


def _mask(verdict: str) -> int:
    return sum(1 << number for number, rule in enumerate(RULES) if rule.verdict == verdict)


def _verdict_sql(model: Model) -> str:
    sure, unsure = model.thresholds.sure, model.thresholds.unsure
    return f"""CASE
        WHEN (rules & {_mask(DIFFERENT)}) <> 0 THEN 0
        WHEN (rules & {_mask(UNSURE)}) <> 0
            THEN CASE WHEN probability >= {unsure} THEN 1 ELSE 0 END
        WHEN (rules & {_mask(SURE)}) <> 0 THEN 2
        WHEN probability >= {sure} THEN 2
        WHEN probability >= {unsure} THEN 1
        ELSE 0 END"""


def rules_of(mask: int, verdict: int) -> tuple[str, ...]:
    """Return the names of the rules that made a verdict, from the number of a scored pair."""
    names = (
        rule.name
        for number, rule in enumerate(RULES)
        if mask >> number & 1 and rule.verdict == VERDICTS[verdict]
    )
    return tuple(dict.fromkeys(names))
