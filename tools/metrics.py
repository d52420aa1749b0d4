"""Write docs/reference/generated/metrics.md from the table of metrics.

python tools/metrics.py [--check]
"""

import sys
from pathlib import Path

from trucyte.base.metrics import Kind, Metric
from trucyte.node.serving.figures import METRICS

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "generated" / "metrics.md"
HEAD = """# Metrics

Written by `tools/metrics.py` from `node/serving/figures.py`. `GET /metrics` gives them as
Prometheus text, those of all processes of the node together. Labels have no other values than
these; none of them can hold a person, a path or a query.

| name | kind | labels | what |
|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(f"{_row(metric)}\n" for metric in METRICS)


def _row(metric: Metric) -> str:
    labels = "; ".join(f"`{name}`: {', '.join(values)}" for name, values in metric.labels.items())
    bounds = ", ".join(f"{bound:g}" for bound in metric.bounds)
    kind = f"histogram ({bounds})" if metric.kind is Kind.HISTOGRAM else metric.kind.value
    return f"| `{metric.name}` | {kind} | {labels} | {metric.help} |"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
