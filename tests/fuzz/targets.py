"""All targets by their names."""

from tests.fuzz import language, services
from tests.fuzz.target import Target

TARGETS = {target.name: target for target in (*language.TARGETS, *services.TARGETS)}


def target_named(name: str) -> Target:
    """Return a target; exits with the names there are where there is no such one."""
    if name not in TARGETS:
        raise SystemExit(f"no target {name}; there are {', '.join(TARGETS)}")
    return TARGETS[name]
