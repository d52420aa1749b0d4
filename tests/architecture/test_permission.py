"""Whoever reads rows of the index asks what the caller may see, or stands here with a reason."""

import re

from tests.architecture.test_house import SOURCE, relative

_ROWS = re.compile(r"records\.(?:entry|ended)\b")
_ASKS = "from trucyte.records.search.permission import"
# They name the table and make no answer of their own. The list only shrinks.
REASONS = {
    "database/schema.sql": "the table itself",
    "records/search/permission.py": "it is what is asked",
    "records/search/steps.py": "its conditions are given to it, the caller's among them",
    "records/search/expectation.py": "as above",
    "records/search/links.py": "as above: `Links.permitted`",
    "records/search/compile.py": "rows looked up by token only narrow rows that are permitted",
    "records/results/order.py": "a walk along dates, joined to rows that are permitted",
    "records/index.py": "it writes",
    "records/rows.py": "it describes what is written",
    "records/queries.sql": "it writes, and reads labels and owners to decide by",
    "records/parameters/queries.sql": "it indexes, for operators",
    "shared/audit/queries.sql": "names Patients of a trail that its reader may see",
    "intake/keeping/queries.sql": "has statistics made of it",
}


def test_who_reads_the_index_asks_what_the_caller_may_see() -> None:
    unasked = {
        relative(path)
        for pattern in ("*.py", "*.sql")
        for path in SOURCE.rglob(pattern)
        if "migrations" not in path.parts and "generated" not in path.parts
        if _ROWS.search(text := path.read_text()) and _ASKS not in text
    }
    assert unasked == set(REASONS)
