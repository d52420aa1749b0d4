"""How the index of people stands, told; and making it anew."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from trucyte.base.settings import load_settings
from trucyte.node.people.parts import Identity, make_identity
from trucyte.node.wiring import Node, open_node
from trucyte.shared.identity.index.report import CrowdedKey, IndexReport, crowded_keys, report_of


def show_status(*, crowded: bool, as_json: bool) -> None:
    """Write how the index stands."""
    with open_node(load_settings(os.environ), needs_room=False) as node:
        parts = make_identity(node)
        facts = _facts(node, parts, report_of(node.database, node.journal))
        keys = crowded_keys(node.database, parts.follower.keys) if crowded else ()
    _write(facts | ({"crowded": [_row(one) for one in keys]} if crowded else {}), as_json=as_json)


def remake(*, as_json: bool) -> None:
    """Make the index anew, and write what it then holds."""
    with open_node(load_settings(os.environ)) as node, _bar(as_json=as_json) as progress:
        make_identity(node).follower.reindex(progress)
        found = report_of(node.database, node.journal)
    _write({"people": found.people, "keys": found.keys}, as_json=as_json)


def _facts(node: Node, parts: Identity, found: IndexReport) -> dict[str, Any]:
    settings = node.settings.identity
    return {
        "people": found.people,
        "keys": found.keys,
        "bytes": found.size,
        "whole": found.is_whole,
        "lines_behind": found.lines_behind,
        "lines_unmatched": found.lines_unmatched,
        "model": parts.matcher.model.version,
        "matching": settings.matching,
        "automatic": settings.automatic,
        "pairs": {state.value: count for state, count in parts.worklist.count().items()},
    }


def _row(one: CrowdedKey) -> dict[str, Any]:
    return {"block": one.block, "persons": one.persons, "example": one.example}


def _write(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    rows = facts.pop("crowded", ())
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {_text(value)}")
    for row in rows:
        click.echo(f"{row['persons']:>9}  {row['block']:<14} {row['example']}")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "none"
    return str(value)


@contextmanager
def _bar(*, as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """Show progress on a terminal, and nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label="people", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield show
