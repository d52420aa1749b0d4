"""Where the suites of others lie."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def suite(name: str) -> Path:
    """Return a file of the suites; skips the test where they are absent."""
    path = ROOT / os.environ.get("TRUCYTE_SUITES", "../shared/suites") / name
    if not path.exists():
        pytest.skip(f"no {name} among the suites (TRUCYTE_SUITES)")
    return path
