"""Commands that look after the node itself: `migrate`, `status`."""

import json
import os
from typing import Any

import click

from trucyte.base.disk import disk_state
from trucyte.base.settings import load_settings
from trucyte.node.access.people import make_book
from trucyte.node.wiring import Node, open_node
from trucyte.records.parameters.progress import read_progress

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")


@click.command()
@_JSON
def migrate(as_json: bool) -> None:
    """Bring the database to what this version needs; harmless when it is there.

    Example: trucyte migrate
    """
    with open_node(load_settings(os.environ)) as node:
        applied = [f"{migration.number:04} {migration.name}" for migration in node.applied]
    if as_json:
        _write({"applied": applied})
        return
    click.echo("\n".join(applied) if applied else "Không có gì để nâng cấp · Nothing to migrate")


@click.command()
@_JSON
def status(as_json: bool) -> None:
    """Show the health of the node: database, journal position, free space.

    Example: trucyte status --json
    """
    with open_node(load_settings(os.environ), needs_room=False) as node:
        facts = _facts(node)
    if as_json:
        _write(facts)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")


def _facts(node: Node) -> dict[str, Any]:
    with node.database.connection() as connection:
        row = connection.execute(
            "select current_setting('server_version'), pg_database_size(current_database())"
        ).fetchone()
    assert row is not None
    disk = node.settings.disk
    room = disk_state(node.settings.data, warn_bytes=disk.warn_bytes, stop_bytes=disk.stop_bytes)
    position = node.journal.position()
    return {
        "node": node.settings.node.name,
        "key": node.keyring.key_id,
        "postgresql": row[0].split()[0],
        "embedded": node.server is not None,
        "database_bytes": row[1],
        "journal_seq": position.seq,
        "journal_epoch": position.epoch,
        "free_bytes": room.free,
        "room": room.room.value,
        "reviews_overdue": make_book(node, "cli").accounts.overdue(),
        **{
            f"parameter {one.id}": f"{one.word} {one.percent} % {one.rate}/s"
            for one in read_progress(node.database, node.parts.index.book)
        },
    }


def _write(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
