"""How good a linkage is, where the truth is known: pairs, groups, kinds of error."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from trucyte.shared.identity.bulk.linking import Link, Linkage, links
from trucyte.shared.identity.bulk.tables import column, one

LOOKED_AT = (0.5, 0.9, 0.99)  # probabilities from which an unsure pair counts as found
# Rules that hold back on principle, whatever the weight, and how likely what they hold must
# be to count with what is sure; 0: as likely as what the weight alone would link.
HELD: Mapping[str, float] = {
    "twins": 0.0,
    "namesakes": 0.0,
    "little-agrees": 0.9995,
    "birth-not-known": 0.0,
    "other-middle-name": 0.0,
    "name-without-marks": 0.0,
    "two-names-by-marks": 0.0,
    "two-names-by-sound": 0.0,
    "several-persons-fit": 0.0,
    "sexes-differ": 0.0,
}


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
    - `sure_and_held`: these and the likely pairs that the rules of `HELD` alone held back:
      what could be linked where strangers of one name and twins were no matter.
    - `linked_wrongly`: pairs in one group that are of two persons, as a number.
    - `b_cubed`: precision and recall of the groups, record by record.
    - `without_newborns`: the same pairs without records written under a mother's name,
      which are never linked without a look; `newborn_share` is their share of true pairs.
    """
    whose = column(linkage.connection, "SELECT truth FROM persons ORDER BY n")
    newborns = frozenset(
        column(linkage.connection, "SELECT n FROM persons WHERE newborn_of IS NOT NULL")
    )
    whole = _Tally(linkage, whose, frozenset())
    others = _Tally(linkage, whose, newborns)
    for link in links(linkage):
        whole.add(link)
        others.add(link)
    root = linkage.groups.root
    return {
        "records": linkage.records,
        "true_pairs": whole.total,
        "candidate_pairs": linkage.pairs,
        **whole.told(),
        "linked_wrongly": whole.linked_wrongly,
        "b_cubed": b_cubed([root(record) for record in range(linkage.records)], whose),
        "newborn_share": 1 - others.total / whole.total if whole.total else 0.0,
        "without_newborns": others.told(),
    }


class _Tally:
    """Counts of pairs found and true, among the records that are not left out."""

    def __init__(self, linkage: Linkage, whose: list[str], left_out: frozenset[int]) -> None:
        self._linkage, self._whose, self._left_out = linkage, whose, left_out
        self.total = _true_pairs(linkage, without_newborns=bool(left_out))
        self._grouped = _grouped(linkage, whose, left_out)
        self._looked = {threshold: [0, 0] for threshold in LOOKED_AT}
        self._held = [0, 0]

    def add(self, link: Link) -> None:
        """Count a pair that is in no group."""
        if link.left in self._left_out or link.right in self._left_out:
            return
        root = self._linkage.groups.root
        if link.decision == "sure" or root(link.left) == root(link.right):
            return
        is_true = self._whose[link.left] == self._whose[link.right]
        for threshold, counted in self._looked.items():
            if link.probability >= threshold:
                counted[0] += 1
                counted[1] += is_true
        if _is_held(link, self._linkage.model.thresholds.sure):
            self._held[0] += 1
            self._held[1] += is_true

    @property
    def linked_wrongly(self) -> int:
        """The pairs in one group that are of two persons."""
        grouped, right = self._grouped
        return grouped - right

    def told(self) -> dict[str, Mapping[str, float]]:
        """Return the figures."""
        grouped, right = self._grouped
        found = [
            {**figures(grouped + n, right + good, self.total), "threshold": threshold}
            for threshold, (n, good) in self._looked.items()
        ]
        held, good = self._held
        return {
            "found": max(found, key=lambda each: each["f1"]),
            "sure": figures(grouped, right, self.total),
            "sure_and_held": figures(grouped + held, right + good, self.total),
        }


def _is_held(link: Link, sure: float) -> bool:
    """Say whether a pair is likely and only rules of principle hold it back."""
    if not link.rules or not HELD.keys() >= set(link.rules):
        return False
    return link.probability >= max(sure, *(HELD[rule] for rule in link.rules))


def _true_pairs(linkage: Linkage, *, without_newborns: bool) -> int:
    kept = " WHERE newborn_of IS NULL" if without_newborns else ""
    crossing = " AND a.source <> b.source" if linkage.across else ""
    query = (
        f"WITH p AS (SELECT * FROM persons{kept}) SELECT count(*) FROM p a"
        f" JOIN p b ON a.truth = b.truth AND a.n < b.n{crossing}"
    )
    return int(one(linkage.connection, query))


def _grouped(linkage: Linkage, whose: list[str], left_out: frozenset[int]) -> tuple[int, int]:
    """Return the pairs within groups, and how many of them are true."""
    members: dict[int, list[int]] = defaultdict(list)
    for record in list(linkage.groups.parent):
        if record not in left_out:
            members[linkage.groups.root(record)].append(record)
    if linkage.across:
        return _across(linkage, whose, members.values())
    found = sum(len(records) * (len(records) - 1) // 2 for records in members.values())
    counts = (Counter(whose[record] for record in records) for records in members.values())
    return found, sum(_pairs(count.values()) for count in counts)


def _across(linkage: Linkage, whose: list[str], groups: Iterable[list[int]]) -> tuple[int, int]:
    """Return the pairs of two files within groups, and how many of them are true."""
    source = column(linkage.connection, "SELECT source FROM persons ORDER BY n")
    pairs = (pair for records in groups for pair in combinations(records, 2))
    crossing = [whose[a] == whose[b] for a, b in pairs if source[a] != source[b]]
    return len(crossing), sum(crossing)


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
