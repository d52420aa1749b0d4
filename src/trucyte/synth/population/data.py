"""The packaged tables of the synthetic population."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def population_data() -> dict[str, Any]:
    """Return `synth/data/population.toml`."""
    return tomllib.loads(packaged_text("population.toml"))


@cache
def household_data() -> dict[str, Any]:
    """Return `synth/data/households.toml`, which `tools/fit_households.py` writes."""
    return tomllib.loads(packaged_text("households.toml"))


def packaged_text(name: str) -> str:
    """Return the text of a packaged file of `synth/data`."""
    return (resources.files("trucyte.synth") / "data" / name).read_text(encoding="utf-8")
