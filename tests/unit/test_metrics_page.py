import runpy
from pathlib import Path

from trucyte.base.metrics import Layout
from trucyte.node.serving.figures import METRICS

ROOT = Path(__file__).parents[2]


def test_the_page_of_metrics_is_what_the_table_says() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "metrics.py"))
    assert written["PAGE"].read_text(encoding="utf-8") == written["page"]()


def test_names_follow_the_rules_of_prometheus() -> None:
    for metric in METRICS:
        assert metric.name.startswith("trucyte_")
        assert (metric.kind.value == "counter") == metric.name.endswith("_total")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_a_slot_stays_small() -> None:
    assert Layout(METRICS).size * 8 < 64 * 1024
