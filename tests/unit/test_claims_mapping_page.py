"""The reference page of the mapping says what the table says."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_page_is_of_this_table() -> None:
    spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "claims_mapping.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.TARGET.read_text() == tool.page(), "run: python tools/claims_mapping.py"
