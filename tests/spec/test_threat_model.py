"""The threat model page, the table of attacks and what is carried out are one thing."""

import re

import pytest

from tests.support.serving import ROOT
from trucyte.node.attack.asking import TargetRefused, read_target
from trucyte.node.attack.running import CARRIED_OUT, load_table
from trucyte.node.attack.sweep import PLACES
from trucyte.web.api.routes import Place

PAGE = (ROOT / "docs/explanation/threat-model.md").read_text(encoding="utf-8")


def test_every_row_is_carried_out_and_every_attack_has_a_row() -> None:
    assert [row.id for row in load_table()] == list(CARRIED_OUT)


def test_the_page_names_each_threat_with_its_control_attack_and_test() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == list(CARRIED_OUT)
    for row, line in zip(load_table(), lines, strict=True):
        assert row.threat in line
        assert row.control in line
        assert row.vi in line
        assert f"| {row.stride} | {row.linddun or '–'} |" in line


def test_every_test_that_the_page_names_is_there() -> None:
    for place in re.findall(r"`(tests/[\w/.]+)`", PAGE):
        assert (ROOT / place).exists(), place


def test_letters_are_of_their_models() -> None:
    for row in load_table():
        assert row.stride
        assert set(row.stride) <= set("STRIDE")
        assert set(row.linddun) <= set("LINDUN")


def test_the_sweep_asks_every_place_of_the_api() -> None:
    assert set(PLACES) == set(Place)


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "https://10.0.0.1", "http://0.0.0.0", "127.0.0.1:80", "file:///x",
     "http://127.0.0.1@example.org", "http://127.0.0.1:99999", ""],
)  # fmt: skip
def test_nobody_else_is_attacked(url: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(url)
