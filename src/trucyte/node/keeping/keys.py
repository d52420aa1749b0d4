"""The keys of a node: `keys list|rotate|rewrap|retire|encrypt|export|import`.

All of it works while the node serves: its processes take up what lies in the key folder
within seconds, and what is done to the database is done in steps.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import load_settings
from trucyte.database.connect import Database
from trucyte.journal.atrest.named import QUERIES
from trucyte.journal.atrest.resealing import rewrap as rewrap_keys
from trucyte.journal.atrest.resealing import seal_all
from trucyte.journal.keyring import Keyring, place_files
from trucyte.node.audit import bar
from trucyte.node.keeping import escrow
from trucyte.node.wiring import Node, open_node

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
_PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the passphrase stands [asked for].",
)


class KeysStillWrapped(Problem):
    """{count} keys are still wrapped under generation {generation}: run `trucyte keys rewrap`."""

    kind = Kind.CONFLICT
    code = "keys-still-wrapped"


class GenerationInUse(Problem):
    """Generation {generation} is the one in use, or not here; rotate first."""

    kind = Kind.CONFLICT
    code = "generation-in-use"


@click.group()
def keys() -> None:
    """Look after the keys that sign, and that seal what is kept."""


@keys.command("list")
@_JSON
def list_keys(as_json: bool) -> None:
    """Show the keys by name and generation; nothing secret.

    Example: trucyte keys list --json
    """
    with open_node(load_settings(os.environ), needs_room=False) as node:
        facts = _facts(node)
    _write(facts, as_json=as_json)


@keys.command()
@click.option("--signing", is_flag=True, help="Only the key that signs.")
@click.option("--wrapping", is_flag=True, help="Only the secret that keys are wrapped under.")
@_JSON
def rotate(signing: bool, wrapping: bool, as_json: bool) -> None:
    """Make a new key that signs and a new secret that keys of bodies are wrapped under.

    What was signed stays good. A served node takes them up by itself within seconds; run
    `trucyte keys rewrap` afterwards, and `trucyte keys export` for the copy in the safe.

    Example: trucyte keys rotate
    """
    with open_node(load_settings(os.environ)) as node:
        if wrapping or not signing:
            node.keyring.rotate_wrapping()
            with node.database.connection() as connection:
                node.journal.body_keys.check(connection.cursor())
        if signing or not wrapping:
            _rotate_signing(node)
        facts = _facts(node)
    _write(facts, as_json=as_json)


@keys.command()
@_JSON
def rewrap(as_json: bool) -> None:
    """Wrap all keys of bodies under the newest secret. Can be stopped and begun again.

    Example: trucyte keys rewrap
    """
    with open_node(load_settings(os.environ)) as node, bar("keys", as_json=as_json) as progress:
        body_keys = node.journal.body_keys
        done = rewrap_keys(node.database, body_keys, node.keyring, progress)
    _write({"rewrapped": done}, as_json=as_json)


@keys.command()
@click.argument("generation", type=click.IntRange(1, 9999))
@click.confirmation_option(prompt="Backups whose keys are wrapped under it can no longer be read")
@_JSON
def retire(generation: int, as_json: bool) -> None:
    """Destroy an old secret: what was erased can then not be read from old backups either.

    Example: trucyte keys retire 1 --yes
    """
    with open_node(load_settings(os.environ)) as node:
        if generation not in node.keyring.generations or generation == node.keyring.generation:
            raise GenerationInUse(generation=generation)
        count = _counts(node.database).get(generation, 0)
        if count:
            raise KeysStillWrapped(count=count, generation=generation)
        node.keyring.retire_wrapping(generation)
        facts = _facts(node)
    _write(facts, as_json=as_json)


@keys.command()
@_JSON
def encrypt(as_json: bool) -> None:
    """Seal the bodies of lines that lie open. Can be stopped and begun again.

    Example: trucyte keys encrypt
    """
    with open_node(load_settings(os.environ)) as node, bar("lines", as_json=as_json) as progress:
        journal = node.journal
        done = seal_all(node.database, journal.body_keys, journal.codec, journal.keeper, progress)
    _write({"sealed": done}, as_json=as_json)


@keys.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_PASSPHRASE
def export_keys(file: Path, passphrase_file: Path | None) -> None:
    """Write all keys to FILE, sealed under a passphrase, for a safe away from the node.

    Example: trucyte keys export keys-2026-11.sealed
    """
    settings = load_settings(os.environ)
    if file.exists():
        raise click.UsageError(f"{file} exists")
    keyring = Keyring.open(settings.data / "keys", settings.keys.master)
    passphrase = _passphrase(passphrase_file, confirms=True)
    escrow.write_new(file, escrow.sealed(keyring.files(), passphrase))


@keys.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_PASSPHRASE
def import_keys(file: Path, passphrase_file: Path | None) -> None:
    """Lay down the keys of FILE where there are none yet.

    Example: trucyte keys import keys-2026-11.sealed
    """
    settings = load_settings(os.environ)
    files = escrow.opened(file.read_bytes(), _passphrase(passphrase_file, confirms=False))
    place_files(settings.data / "keys", files, settings.keys.master)


def _rotate_signing(node: Node) -> None:
    """Make a key that signs, and sign with it at once: journal and trail know it from now."""
    key = node.keyring.rotate_signing()
    node.journal.checkpoint()
    node.trail.checkpoint()
    with node.database.connection() as connection:
        for schema in ("journal", "audit"):
            query = QUERIES.end_signing_keys.replace("journal.key", f"{schema}.key")
            connection.execute(query, (datetime.now(UTC), key.id))


def _counts(database: Database) -> dict[int, int]:
    with database.connection() as connection:
        return dict(connection.execute(QUERIES.count_keys).fetchall())


def _facts(node: Node) -> dict[str, Any]:
    keyring, counts = node.keyring, _counts(node.database)
    return {
        "signing": keyring.key_id,
        "verifying": sorted(keyring.public_keys),
        "generation": keyring.generation,
        "wrapped": {str(one): counts.get(one, 0) for one in keyring.generations},
    }


def _passphrase(file: Path | None, *, confirms: bool) -> str:
    if file is not None:
        return file.read_text("utf-8").rstrip("\n")
    told: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirms)
    return told


def _write(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")
