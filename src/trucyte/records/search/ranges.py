"""How a search prefix compares ranges, as SQL: `{l}`, `{h}` are columns, the rest parameters."""

# Where the range of the search value [{low}, {high}) stands to the resource's [l, h), both
# half open (R4 3.1.1.4.6). `{l} < …` follows from l < h; it gives the index its other end.
DATE_TESTS = {
    "eq": "({l} >= {low} and {l} < {high} and {h} <= {high})",
    "ne": "not ({l} >= {low} and {h} <= {high})",
    "gt": "{h} > {high}",
    "lt": "{l} < {low}",
    "ge": "({h} > {high} or {l} >= {low})",
    "le": "({l} < {high} and ({l} < {low} or {h} <= {high}))",
    "sa": "{l} >= {high}",
    "eb": "({l} < {low} and {h} <= {low})",
    "ap": "({l} < {high} and {h} > {low})",
    "po": "({l} < {high} and {h} > {low})",
}
# A number in a resource is what it is; only the search value's precision counts, and only
# for equality (R4 3.1.1.4.8). [l, h] is closed, {point} the bare search value.
NUMBER_TESTS = {
    "eq": "({l} >= {low} and {h} < {high})",
    "ne": "not ({l} >= {low} and {h} < {high})",
    "gt": "{h} > {point}",
    "lt": "{l} < {point}",
    "ge": "{h} >= {point}",
    "le": "{l} <= {point}",
    "sa": "{l} > {point}",
    "eb": "{h} < {point}",
    "ap": "({l} <= {high} and {h} >= {low})",
}
