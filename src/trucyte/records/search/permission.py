"""What a caller may see, as conditions over a row `e` of the index.

The one place that says so: every search, count and link of a chain has these conditions,
so that what is hidden cannot be inferred from what refers to it.
"""

from trucyte.records.access import Access
from trucyte.records.search.bound import Parameters


def permitted(access: Access, bound: Parameters, origin: int) -> list[str]:
    """Return the conditions of rows that `access` may see."""
    conditions = [f"e.origin = {bound.add(origin, 'smallint')}"]
    if not access.sees_restricted:
        conditions.append("e.sensitivity = 0")
    return conditions
