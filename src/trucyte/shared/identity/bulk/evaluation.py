"""How good a linkage is, where the truth is known: pairs, groups, kinds of error."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from trucyte.shared.identity.bulk.linking import Linkage, links
from trucyte.shared.identity.bulk.tables import column, one

LOOKED_AT = (0.5, 0.9, 0.99)  # probabilities from which an unsure pair counts as found
SLIPS = frozenset(("twins", "little-agrees", "namesakes", "other-middle-name"))  # held back on principle, not for their weight
WANTED_PRECISION = 0.9995


def figures(found: int, true: int, total: int) -> Mapping[str, float]:
    """Return precision, recall and F1 of `found` pairs, `true` of them, of `total`."""
    return {
        "precision": true / found if found else 1.0,
        "recall": true / total if total else 1.0,
        "f1": 2 * true / (found + total) if found + total else 1.0,
    }


def evaluate(linkage: Linkage) -> dict[str, Any]:
    """Return the figures of a linkage whose `persons` have a column `truth`.

    - `found`: pairs in one group, and unsure ones from the probability of `LOOKED_AT` on
      that serves F1 best, which is told.
    - `sure`: pairs in one group, linked without anybody's look.
    - `sure_and_slips`: these and the pairs that rules on slips alone held back.
    - `b_cubed`: precision and recall of the groups, record by record.
    """
    whose = column(linkage.connection, "SELECT truth FROM persons ORDER BY n")
    crossing = " AND a.source <> b.source" if linkage.across else ""
    total = int(_true_pairs(linkage, crossing))
    grouped, right = _grouped(linkage, whose)
    sure = (grouped, right)
    root = linkage.groups.root
    looked = {threshold: [0, 0] for threshold in LOOKED_AT}
    slips = [0, 0]
    for link in links(linkage):
        if link.decision == "sure" or root(link.left) == root(link.right):
            continue
        is_true = whose[link.left] == whose[link.right]
        for threshold, counted in looked.items():
            if link.probability >= threshold:
                counted[0] += 1
                counted[1] += is_true
        if link.probability >= linkage.model.thresholds.sure and SLIPS.issuperset(link.rules):
            slips[0] += 1
            slips[1] += is_true
    return {
        "records": linkage.records,
        "true_pairs": total,
        "candidate_pairs": linkage.pairs,
        "found": max(
            (
                {**figures(grouped + n, right + good, total), "threshold": threshold}
                for threshold, (n, good) in looked.items()
            ),
            key=lambda found: found["f1"],
        ),
        "sure": figures(*sure, total),
        "sure_and_slips": figures(grouped + slips[0], right + slips[1], total),
        "b_cubed": b_cubed([root(record) for record in range(linkage.records)], whose),
    }


def _true_pairs(linkage: Linkage, crossing: str) -> int:
    if crossing:
        return int(
            one(
                linkage.connection,
                "SELECT count(*) FROM persons a JOIN persons b ON a.truth = b.truth"
                f" AND a.n < b.n{crossing}",
            )
        )
    return int(
        one(
            linkage.connection,
            "SELECT coalesce(sum(c * (c - 1) / 2), 0) FROM"
            " (SELECT count(*) AS c FROM persons GROUP BY truth)",
        )
    )


def _grouped(linkage: Linkage, whose: list[str]) -> tuple[int, int]:
    """Return the pairs within groups, and how many of them are true."""
    members: dict[int, list[int]] = defaultdict(list)
    for record in list(linkage.groups.parent):
        members[linkage.groups.root(record)].append(record)
    source = None
    if linkage.across:
        source = column(linkage.connection, "SELECT source FROM persons ORDER BY n")
    found = true = 0
    for records in members.values():
        if source is None:
            found += len(records) * (len(records) - 1) // 2
            true += _pairs(Counter(whose[record] for record in records).values())
            continue
        for at, left in enumerate(records):
            for right in records[at + 1 :]:
                if source[left] != source[right]:
                    found += 1
                    true += whose[left] == whose[right]
    return found, true


def _pairs(counts: Iterable[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def b_cubed(group_of: list[int], whose: list[str]) -> Mapping[str, float]:
    """Return B-cubed precision, recall and F1: averages over records, not pairs."""
    both = Counter(zip(group_of, whose, strict=True))
    groups, persons = Counter(group_of), Counter(whose)
    records = len(whose) or 1
    precision = sum(n * n / groups[g] for (g, _), n in both.items()) / records
    recall = sum(n * n / persons[p] for (_, p), n in both.items()) / records
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    }


def by_kind(linkage: Linkage, kinds: list[str]) -> Mapping[str, Mapping[str, float]]:
    """Return for each kind of error which shares of its true pairs were found and linked.

    `kinds` has the words of each record, separated by ";". A pair has the kinds of both.
    """
    rows = linkage.connection.execute(
        "SELECT a.n, b.n, coalesce(s.probability, 0) FROM persons a JOIN persons b"
        " ON a.truth = b.truth AND a.n < b.n LEFT JOIN scores s ON s.l = a.n AND s.r = b.n"
        " AND s.verdict > 0"
    ).fetchall()
    root = linkage.groups.root
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for left, right, probability in rows:
        is_linked = root(left) == root(right)
        is_found = is_linked or probability >= LOOKED_AT[0]
        for kind in {*kinds[left].split(";"), *kinds[right].split(";")} or {""}:
            count = counts[kind or "none"]
            count[0] += 1
            count[1] += is_found
            count[2] += is_linked
    return {
        kind: {"pairs": n, "found": found / n, "linked": linked / n}
        for kind, (n, found, linked) in sorted(counts.items(), key=lambda item: -item[1][0])
    }
