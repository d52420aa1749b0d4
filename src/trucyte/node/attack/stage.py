"""What `attack prepare` made in a node, kept in a file that only its owner reads."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from trucyte.base.problem import Kind, Problem

NAME: Final = "attack-stage.json"


class StageMissing(Problem):
    """There is no stage in {folder}; run `trucyte attack prepare` with the node's data folder."""

    kind = Kind.NOT_FOUND
    code = "attack-stage-missing"


@dataclass(frozen=True, slots=True)
class Stage:
    """Accounts, sessions and clients of one run."""

    doors: dict[str, dict[str, str]] = field(default_factory=dict)  # a, b, ended
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)  # by caller's name
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)  # with private keys


def write_stage(folder: Path, stage: Stage) -> Path:
    """Write the stage so that nobody else reads it, whole or not at all."""
    place = folder / NAME
    draft = place.with_name(f".{NAME}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(stage), file)
    draft.replace(place)
    return place


def read_stage(folder: Path) -> Stage:
    """Return the stage of a data folder. Raises StageMissing."""
    try:
        return Stage(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise StageMissing(folder=str(folder)) from None
