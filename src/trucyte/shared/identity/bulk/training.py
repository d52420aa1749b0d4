"""Train a model on files without labels.

u of a level is its share among random pairs, which are two persons but for very few; with
it goes the harmonic mean of the frequencies met there (`typical`). m and the prior are
found by expectation maximisation over all pairs of the files, with u and the rarity of
values held: only candidate pairs can be true to any degree that counts, so only they are
visited, and blocking biases nothing. A level that no true pair is on keeps a small share.
Numbers have declared u: two persons share one by error alone, which random pairs are too
few to show.
"""

from collections.abc import Mapping
from math import log2
from typing import Any

import duckdb

from trucyte.base.problem import Kind, Problem
from trucyte.shared.identity.bulk.tables import FREQUENT, NUMBERS, levels_sql, one, rarity_sql
from trucyte.shared.identity.matching.levels import COMPARISONS, Comparison
from trucyte.shared.identity.matching.model import FORM, Model, Thresholds, Weight

RANDOM_PAIRS = 2_000_000
TRAINING_PAIRS = 1_500_000
ROUNDS_MAX = 40
RECORDS_MIN = 50
_CONVERGED = 1e-4  # of any m
_SMALLEST = 1e-9
_M_SMALLEST = 1e-4
_SHARED_BY = {"phone": 4.0}  # persons who share a number, for u of numbers
_BITS_A_BIN = 0.5  # of rarity, so that pairs alike are counted together

Shares = Mapping[str, Mapping[str, float]]
Random = Mapping[str, Mapping[str, Weight]]


class TrainingImpossible(Problem):
    """No model can be trained on these files: {reason}."""

    kind = Kind.BAD_INPUT
    code = "link-training"


def train(connection: duckdb.DuckDBPyConnection, *, version: str, told: str, records: int) -> Model:
    """Return a model trained on `scored_persons` and the candidate pairs in `pairs`.

    Raises TrainingImpossible where there are too few records or nobody is there twice.
    """
    if records < RECORDS_MIN:
        raise TrainingImpossible(reason=f"{records} records")
    random = random_weights(connection, records)
    trained, prior, rounds = _maximise(connection, random, records)
    weights = {
        name: {
            level: Weight(trained[name][level], weight.u, weight.typical)
            for level, weight in levels.items()
        }
        for name, levels in random.items()
    }
    return Model(
        form=FORM,
        version=version,
        trained_on=told,
        prior=prior,
        thresholds=Thresholds(),
        weights=weights,
        frequencies=_frequencies(connection),
        rare=dict.fromkeys(FREQUENT, 1 / (records + 1)),
        report={"records": records, "random_pairs": RANDOM_PAIRS, "rounds": rounds},
    )


def random_weights(connection: duckdb.DuckDBPyConnection, records: int) -> Random:
    """Return u and typical frequency of every level over random pairs; m is not yet known."""
    rounds = max(1, min(records, RANDOM_PAIRS // records + 1))
    share = min(1.0, RANDOM_PAIRS / (records * rounds))
    shares = ", ".join(f"least(l.{c}_share, r.{c}_share) AS {c}_rarer" for c in FREQUENT)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE random_levels AS
        WITH drawn AS (
            SELECT p.n AS l, CAST(hash(p.n, k) % {records} AS INTEGER) AS r
            FROM scored_persons p, range({rounds}) AS rounds(k)
            WHERE hash(k, p.n, 7) % 1000000 < {int(share * 1e6)}
        )
        SELECT {levels_sql()}, {shares}
        FROM drawn JOIN scored_persons l ON l.n = drawn.l JOIN scored_persons r ON r.n = drawn.r
        WHERE drawn.l <> drawn.r"""
    )
    found = {
        comparison.name: _random_levels(connection, comparison, records)
        for comparison in COMPARISONS
    }
    connection.execute("DROP TABLE random_levels")
    return found


def _random_levels(
    connection: duckdb.DuckDBPyConnection, comparison: Comparison, records: int
) -> Mapping[str, Weight]:
    rarer = " ".join(
        f"WHEN {number} THEN {level.frequency}_rarer"
        for number, level in enumerate(comparison.levels)
        if level.frequency
    )
    value = f"1 / avg(pow(2, -(CASE lv_{comparison.name} {rarer} END)))" if rarer else "NULL"
    rows = connection.execute(
        f"SELECT lv_{comparison.name}, count(*), {value} FROM random_levels"
        f" WHERE lv_{comparison.name} >= 0 GROUP BY ALL"
    ).fetchall()
    counts = {int(level): (int(count), float(mean or 0)) for level, count, mean in rows}
    total = sum(count for count, _ in counts.values())
    found = {}
    for number, name in enumerate(comparison.names()):
        count, mean = counts.get(number, (0, 0.0))
        u = max((count + 0.25) / (total + 1), _SMALLEST)
        if comparison.name in NUMBERS and name == "exact":
            u = _SHARED_BY.get(comparison.name, 0.2) / records
            mean = max(mean, 1 / records) if comparison.name == "phone" else 0.0
        found[name] = Weight(m=1.0, u=min(u, 1.0), typical=mean)
    return found


def _maximise(
    connection: duckdb.DuckDBPyConnection, random: Random, records: int
) -> tuple[Shares, float, int]:
    """Return m of every level, the prior, and the rounds it took."""
    total = records * (records - 1) / 2
    _make_patterns(connection, random)
    start = {c.name: dict(zip(c.names(), _start(len(c.names())), strict=True)) for c in COMPARISONS}
    m: Shares = start
    true_pairs = records / 4
    for rounds in range(1, ROUNDS_MAX + 1):  # noqa: B007 - told to the report
        sums, true_pairs = _expected(connection, m, random, prior=true_pairs / total)
        learnt = {name: _drawn_to(start[name], sums[name]) for name in start}
        moved = max(abs(learnt[name][level] - m[name][level]) for name in m for level in m[name])
        m = learnt
        if moved < _CONVERGED:
            break
    if true_pairs < 5:
        raise TrainingImpossible(reason="too few records of one person")
    return m, true_pairs / total, rounds


def _expected(
    connection: duckdb.DuckDBPyConnection, m: Shares, random: Random, *, prior: float
) -> tuple[Shares, float]:
    """Return how many true pairs are expected on every level, and in all."""
    bits = " + ".join(_weight_sql(c, m[c.name], random[c.name]) for c in COMPARISONS)
    names = [f"lv_{c.name}" for c in COMPARISONS]
    sets = ", ".join(f"({name})" for name in names)
    rows = connection.execute(
        f"""WITH likely AS (
            SELECT {", ".join(names)}, pairs / (1 + pow(2, -least(60, greatest(-60,
                rarity + {log2(prior / (1 - prior)):.6f} + {bits})))) AS expected
            FROM patterns
        )
        SELECT grouping_id({", ".join(names)}), coalesce({", ".join(names)}), sum(expected)
        FROM likely GROUP BY GROUPING SETS ({sets}, ())"""
    ).fetchall()
    found: dict[str, dict[str, float]] = {c.name: {} for c in COMPARISONS}
    everything = (1 << len(names)) - 1
    true_pairs = 1.0
    for grouped, level, expected in rows:
        if grouped == everything:
            true_pairs = max(float(expected or 0), 1.0)
            continue
        missing_bit = everything & ~int(grouped)
        comparison = COMPARISONS[len(names) - missing_bit.bit_length()]
        if level >= 0:
            found[comparison.name][comparison.names()[level]] = float(expected)
    return found, true_pairs


def _weight_sql(comparison: Comparison, m: Mapping[str, float], random: Any) -> str:
    cases = " ".join(
        f"WHEN {number} THEN {log2(m[name] / random[name].u):.6f}"
        for number, name in enumerate(comparison.names())
    )
    return f"CASE lv_{comparison.name} {cases} ELSE 0 END"


def _drawn_to(start: Mapping[str, float], sums: Mapping[str, float]) -> Mapping[str, float]:
    """Return m of a comparison's levels: shares of true pairs, a little drawn to the start."""
    total = sum(sums.values()) + 1
    return {
        level: max((sums.get(level, 0.0) + begin) / total, _M_SMALLEST)
        for level, begin in start.items()
    }


def _start(count: int) -> list[float]:
    """Return where m begins: most on the first levels, the least on the last."""
    weights = [0.6**number for number in range(count)]
    return [weight / sum(weights) for weight in weights]


def _make_patterns(connection: duckdb.DuckDBPyConnection, random: Random) -> None:
    """Make `patterns`: levels, bits of rarity, and how many candidate pairs have them."""
    pairs = one(connection, "SELECT count(*) FROM pairs")
    share = min(1.0, TRAINING_PAIRS / max(pairs, 1))
    shares = ", ".join(f"least(l.{c}_share, r.{c}_share) AS {c}_rarer" for c in FREQUENT)
    rarity = " + ".join(f"({rarity_sql(c, random[c.name])})" for c in COMPARISONS)
    names = ", ".join(f"lv_{c.name}" for c in COMPARISONS)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE patterns AS
        WITH leveled AS (
            SELECT {levels_sql()}, {shares} FROM pairs p
            JOIN scored_persons l ON l.n = p.l JOIN scored_persons r ON r.n = p.r
            WHERE hash(p.l, p.r) % 1000000 < {int(share * 1e6)}
        )
        SELECT {names}, round(({rarity}) / {_BITS_A_BIN}) * {_BITS_A_BIN} AS rarity,
            count(*) / {share} AS pairs
        FROM leveled GROUP BY ALL"""
    )


def _frequencies(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, float]]:
    """Return shares of names and units: nothing that is of few people leaves in a model."""
    found = {}
    for column in FREQUENT:
        if column in NUMBERS:
            continue
        rows = connection.execute(
            f"SELECT value, share FROM share_{column}"
            f" WHERE share * (SELECT count(*) FROM persons) >= 20"
            f" ORDER BY share DESC, value LIMIT 5000"
        ).fetchall()
        found[column] = {str(value): float(f"{share:.4g}") for value, share in rows}
    return found
