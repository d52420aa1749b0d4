"""The reference page of the rules of access is the rules."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_rules_of_access_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("access_page", ROOT / "tools" / "access_rules.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.TARGET.read_text("utf-8") == tool.page(), "run: python tools/access_rules.py"
