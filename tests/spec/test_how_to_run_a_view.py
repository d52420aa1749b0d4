"""What docs/how-to/run-a-view.md tells people to do, done."""

import csv
import re
import shlex
from pathlib import Path

import pytest

from tests.support.views import definitions
from trucyte.node.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-a-view.md"


def test_the_page_on_views_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions()
    monkeypatch.chdir(tmp_path)
    view, commands, head = re.findall(r"```\w*\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "weights.json").write_text(view)
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "trucyte"
        assert main(arguments, standalone_mode=False) == 0
    text = (tmp_path / "weights.csv").read_text()
    assert text.startswith(head)
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) > 5
    assert all(float(row["kilograms"]) > 0 and row["patient"] for row in rows)
