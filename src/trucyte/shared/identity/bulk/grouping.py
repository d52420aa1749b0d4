"""From scored pairs to groups of records: one person each, guarded.

Sure pairs are joined from the heaviest down. A join is refused, and its pair handed to a
person, where it would put two different personal numbers into one group, or make a group
larger than one person's records are. A second look then takes up pairs that were unsure
by one slip in the given name alone: where the name is one that nobody bears, is no slip of
any other name, and no record of a twin is in reach, a slip it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb
from rapidfuzz.distance import Hamming

from trucyte.shared.identity.bulk.tables import one
from trucyte.shared.identity.matching.model import BORNE_SHARE_MIN
from trucyte.shared.identity.matching.rules import RULES, SURE, UNSURE

_TWO = {"personal": "two-personal-numbers", "social": "two-insurance-numbers"}
GROUP_MAX = 60
SEVERAL = -2  # in the column of rules: several persons fit
SLIP = -1  # in the column of rules: made sure by a second look
_CONSONANTS = "[b-df-hj-np-tv-xz]"  # without đ: its stroke is a mark
SLIPS_MAX = 2  # digits, as the level of few digits has it


@dataclass(slots=True)
class Groups:
    """Union-find over records, each group with the numbers that it may have one of."""

    numbers: Mapping[str, Mapping[int, str]]  # kind -> record -> number
    parent: dict[int, int] = field(default_factory=dict)
    size: dict[int, int] = field(default_factory=dict)
    held: dict[str, dict[int, str]] = field(default_factory=dict)  # kind -> group -> number

    def root(self, record: int) -> int:
        """Return the record that stands for a group."""
        parent = self.parent
        if record not in parent:
            parent[record] = record
            self.size[record] = 1
            for kind, known in self.numbers.items():
                if record in known:
                    self.held.setdefault(kind, {})[record] = known[record]
            return record
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    def join(self, left: int, right: int) -> str:
        """Join two records' groups; return "" or the name of the rule that refuses it."""
        one, other = self.root(left), self.root(right)
        if one == other:
            return ""
        for kind, held in self.held.items():
            first, second = held.get(one), held.get(other)
            if first and second and not _alike(first, second):
                return _TWO[kind]
        if self.size[one] + self.size[other] > GROUP_MAX:
            return "group-too-large"
        if self.size[one] < self.size[other]:
            one, other = other, one
        self.parent[other] = one
        self.size[one] += self.size[other]
        for held in self.held.values():
            if other in held:
                held.setdefault(one, held[other])
        return ""


def _alike(first: str, second: str) -> bool:
    """Say whether two numbers can be one, written with a slip."""
    return Hamming.distance(first, second) <= SLIPS_MAX


def group(connection: duckdb.DuckDBPyConnection) -> tuple[Groups, dict[tuple[int, int], str]]:
    """Join the sure pairs of `scores`; return the groups, and pairs refused with the rule."""
    numbers = {
        kind: dict(
            connection.execute(
                f"SELECT n, {kind} FROM persons WHERE {kind} IS NOT NULL"
                " AND n IN (SELECT l FROM scores WHERE verdict = 2"
                " UNION SELECT r FROM scores WHERE verdict = 2)"
            ).fetchall()
        )
        for kind in _TWO
    }
    groups = Groups(numbers)
    refused: dict[tuple[int, int], str] = {}
    for left, right in _heaviest_first(connection):
        reason = groups.join(left, right)
        if reason:
            refused[left, right] = reason
    return groups, refused


def _heaviest_first(connection: duckdb.DuckDBPyConnection) -> Iterable[tuple[int, int]]:
    rows = connection.execute(
        "SELECT l, r FROM scores WHERE verdict = 2 ORDER BY bits DESC, l, r"
    ).fetchall()
    return ((int(left), int(right)) for left, right in rows)


def look_again(connection: duckdb.DuckDBPyConnection, *, sure: float) -> int:
    """Make pairs sure that only the rule on twins held back, where no twin can be; say how many.

    The slip must be of a plain consonant in names that both have their marks: a slip in a
    vowel may be the very mark that tells twins apart (Tuấn, Tuân: "Tusn"). One of the names
    must be borne by nobody, be one slip from no other name in use than its partner, and no
    third record may be born that day under that family name in that house, to that mother
    or with that phone, and bear another name.
    """
    twins = sum(1 << n for n, rule in enumerate(RULES) if rule.name == "twins")
    others = sum(1 << n for n, rule in enumerate(RULES) if rule.verdict == UNSURE) & ~twins
    for step in (
        f"""CREATE OR REPLACE TEMP TABLE slips AS
        SELECT s.l, s.r, a.birth_pair, a.family_sound, a.given_bare AS first,
            b.given_bare AS second, least(x.share, y.share) AS rarer,
            CASE WHEN x.share < y.share THEN a.given_bare ELSE b.given_bare END AS odd,
            CASE WHEN x.share < y.share THEN b.given_bare ELSE a.given_bare END AS usual
        FROM scores s JOIN persons a ON a.n = s.l JOIN persons b ON b.n = s.r
        LEFT JOIN share_given_bare x ON x.value = a.given_bare
        LEFT JOIN share_given_bare y ON y.value = b.given_bare
        WHERE s.verdict = 1 AND s.probability >= {sure} AND a.family_sound = b.family_sound
            AND a.marks = '1' AND b.marks = '1'
            AND regexp_replace(a.given, '{_CONSONANTS}', '', 'g')
                = regexp_replace(b.given, '{_CONSONANTS}', '', 'g')
            AND (s.rules & {twins}) <> 0 AND (s.rules & {others}) = 0""",
        f"""CREATE OR REPLACE TEMP TABLE usual_names AS
        SELECT value FROM share_given_bare WHERE share >= {BORNE_SHARE_MIN}""",
        """CREATE OR REPLACE TEMP TABLE alone AS
        SELECT odd, usual FROM (SELECT DISTINCT odd, usual FROM slips) o
        WHERE NOT EXISTS (SELECT 1 FROM usual_names u WHERE u.value <> o.usual
            AND abs(length(u.value) - length(o.odd)) <= 1
            AND damerau_levenshtein(u.value, o.odd) <= 1)""",
        """CREATE OR REPLACE TEMP TABLE witnessed AS
        SELECT DISTINCT s.l, s.r FROM slips s
        JOIN persons a ON a.n = s.l
        JOIN persons w ON w.birth_pair = s.birth_pair AND w.family_sound = s.family_sound
        WHERE w.given_bare NOT IN (s.first, s.second) AND (w.phone = a.phone
            OR w.mother_sound = a.mother_sound OR w.address = a.address)""",
        f"""UPDATE scores SET verdict = 2, rules = {SLIP}
        FROM slips s JOIN alone USING (odd, usual)
        WHERE scores.l = s.l AND scores.r = s.r AND coalesce(s.rarer, 0) < {BORNE_SHARE_MIN}
            AND NOT EXISTS (SELECT 1 FROM witnessed w WHERE w.l = s.l AND w.r = s.r)""",
    ):
        connection.execute(step)
    return int(one(connection, f"SELECT count(*) FROM scores WHERE rules = {SLIP}"))


def part_ambiguous(connection: duckdb.DuckDBPyConnection) -> int:
    """Hand sure pairs to a person where a record fits several persons; say how many.

    It does where it has no number and its partners have two, where its namesakes of that
    day and province differ in their marks (Hà, Hạ: twins), or where it is written without
    marks and those of that year do. Pairs that a number links are left alone.
    """
    by_number = sum(1 << n for n, rule in enumerate(RULES) if rule.verdict == SURE)
    for step in (
        f"""CREATE OR REPLACE TEMP TABLE edges AS
        SELECT l AS n, r AS other, lv_given FROM scores
        WHERE verdict = 2 AND (rules < 0 OR (rules & {by_number}) = 0)
        UNION ALL SELECT r, l, lv_given FROM scores
        WHERE verdict = 2 AND (rules < 0 OR (rules & {by_number}) = 0)""",
        *_SEVERAL_STEPS,
        f"""UPDATE scores SET verdict = 1, rules = {SEVERAL}
        WHERE verdict = 2 AND (rules < 0 OR (rules & {by_number}) = 0)
            AND (l IN (SELECT n FROM several) OR r IN (SELECT n FROM several))""",
    ):
        connection.execute(step)
    return int(one(connection, f"SELECT count(*) FROM scores WHERE rules = {SEVERAL}"))


_SEVERAL_STEPS = (
    f"""CREATE OR REPLACE TEMP TABLE several AS
    SELECT e.n FROM edges e JOIN persons a ON a.n = e.n JOIN persons b ON b.n = e.other
    WHERE a.personal IS NULL AND b.personal IS NOT NULL
    GROUP BY e.n HAVING hamming(min(b.personal), max(b.personal)) > {SLIPS_MAX}""",
    f"""INSERT INTO several
    SELECT e.n FROM edges e JOIN persons a ON a.n = e.n JOIN persons b ON b.n = e.other
    WHERE a.personal IS NULL AND a.social IS NULL AND b.social IS NOT NULL
    GROUP BY e.n HAVING hamming(min(b.social), max(b.social)) > {SLIPS_MAX}""",
    """CREATE OR REPLACE TEMP TABLE marked_in_year AS
    SELECT birth_year, family_sound, middle_sound, given_bare, province FROM persons
    WHERE marks = '1' AND birth_year IS NOT NULL AND province IS NOT NULL
    GROUP BY ALL HAVING count(DISTINCT given) > 1""",
    """INSERT INTO several SELECT DISTINCT a.n FROM persons a JOIN marked_in_year
    USING (birth_year, family_sound, middle_sound, given_bare, province)
    WHERE a.marks = '0' AND a.birth_known = 'year'""",
    *(
        f"""INSERT INTO several
        WITH marked_near AS (
            SELECT birth_year, family_sound, given_bare, {near} FROM persons
            WHERE marks = '1' AND birth_year IS NOT NULL AND {near} IS NOT NULL
            GROUP BY ALL HAVING count(DISTINCT given) > 1
        )
        SELECT DISTINCT a.n FROM persons a JOIN marked_near
        USING (birth_year, family_sound, given_bare, {near}) WHERE a.marks = '0'"""
        for near in ("phone", "mother_sound")
    ),
    # A name that lost its marks in the midst of others is a slip, unless some bear it so (An).
    f"""CREATE OR REPLACE TEMP TABLE marked AS
    SELECT birth_pair, family_sound, given_bare, province FROM persons
    LEFT JOIN share_given s ON s.value = given
    WHERE marks = '1' AND birth_pair IS NOT NULL AND province IS NOT NULL
        AND (given <> given_bare OR s.share >= {BORNE_SHARE_MIN})
    GROUP BY ALL HAVING count(DISTINCT given) > 1""",
    """INSERT INTO several SELECT DISTINCT a.n FROM persons a JOIN marked
    USING (birth_pair, family_sound, given_bare, province)""",
)
