"""Commands on applications that are given tokens: `client add|list|end|keys`."""

import json
import os
from pathlib import Path
from typing import Literal

import click

from trucyte.base.settings import load_settings
from trucyte.node.access.tokens import keys_of
from trucyte.node.wiring import open_node
from trucyte.shared.access.oauth.clients import (
    ClientExists,
    ClientRefused,
    ClientUnknown,
    check_client,
)
from trucyte.shared.access.oauth.records import Binding, Client, SealedKey
from trucyte.shared.access.oauth.scopes import read_scope
from trucyte.shared.access.oauth.store import PostgresStore


@click.group()
def client() -> None:
    """Let applications and systems ask for tokens: who they are, and how far they reach."""


@client.command()
@click.argument("id")
@click.option("--name", default="", help="As people read it when they are asked [ID].")
@click.option("--redirect", multiple=True, help="Exact address it is answered at; may repeat.")
@click.option("--scope", multiple=True, help="The most it is ever given; may repeat.")
@click.option(
    "--jwks", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its public keys."
)
@click.option("--jwks-uri", default="", help="Address of its public keys (https).")
@click.option("--organisation", default="", help="For whom a system acts, Organization/ID.")
@click.option("--launch", default="", help="Where an EHR launch begins.")
@click.option("--binding", type=click.Choice(["dpop", "mtls"]), help="What binds its tokens.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
def add(
    id: str,
    name: str,
    redirect: tuple[str, ...],
    scope: tuple[str, ...],
    jwks: Path | None,
    jwks_uri: str,
    organisation: str,
    launch: str,
    binding: Binding | None,
    as_json: bool,
) -> None:
    """Register an application (with --redirect) or a system that acts for itself (without).

    Example: trucyte client add his --jwks his.json --scope "system/*.rs"
    """
    kind: Literal["app", "system"] = "app" if redirect else "system"
    words = tuple(word for text in scope for word in text.split())
    with open_node(load_settings(os.environ)) as node:
        made = Client(
            id=id,
            name=name or id,
            kind=kind,
            redirects=redirect,
            scopes=tuple(str(read_scope(word) or word) for word in words),
            jwks=_text_of(jwks),
            jwks_uri=jwks_uri,
            organisation=organisation,
            launch_uri=launch,
            binding=binding or "",
            created_at=node.clock.now(),
        )
        check_client(made)
        if not PostgresStore(node.database).add_client(made):
            raise ClientExists
    _show(made, as_json=as_json)


@client.command("list")
@click.option("--json", "as_json", is_flag=True, help="NDJSON for machines.")
def list_clients(as_json: bool) -> None:
    """Show all applications.

    Example: trucyte client list
    """
    with open_node(load_settings(os.environ)) as node:
        for one in PostgresStore(node.database).clients():
            _show(one, as_json=as_json)


@client.command()
@click.argument("id")
def end(id: str) -> None:
    """End an application; its tokens end within five seconds.

    Example: trucyte client end his
    """
    with open_node(load_settings(os.environ)) as node:
        if not PostgresStore(node.database).end_client(id, node.clock.now()):
            raise ClientUnknown


@client.group()
def keys() -> None:
    """Show and change the keys that tokens are signed with.

    Example: trucyte client keys list
    """


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="NDJSON for machines.")
def list_keys(as_json: bool) -> None:
    """Show the published keys, the oldest first.

    Example: trucyte client keys list
    """
    with open_node(load_settings(os.environ)) as node:
        for key in keys_of(node).listed():
            _show_key(key, as_json=as_json)


@keys.command()
@click.option("--now", "at_once", is_flag=True, help="Let the next key sign at once.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
def rotate(at_once: bool, as_json: bool) -> None:
    """Publish the next key; it signs from tomorrow on, or at once.

    Keys change by themselves every 30 days. Those who hold our list of keys learn of a key
    that signs at once only when they ask again.

    Example: trucyte client keys rotate
    """
    with open_node(load_settings(os.environ)) as node:
        _show_key(keys_of(node).rotate(at_once=at_once), as_json=as_json)


def _text_of(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ClientRefused(reason="its key set cannot be read") from None


def _show(one: Client, *, as_json: bool) -> None:
    ended = one.ended_at.isoformat() if one.ended_at else None
    if as_json:
        facts = {
            "id": one.id,
            "name": one.name,
            "kind": one.kind,
            "redirects": one.redirects,
            "scopes": one.scopes,
            "proves_itself": one.is_confidential,
            "organisation": one.organisation,
            "binding": one.binding,
            "ended_at": ended,
        }
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(f"{one.id:<24} {one.kind:<7} {' '.join(one.scopes)} {ended or ''}".rstrip())


def _show_key(key: SealedKey, *, as_json: bool) -> None:
    published, begins = key.published_at.isoformat(), key.begins_at.isoformat()
    if as_json:
        click.echo(json.dumps({"id": key.id, "published_at": published, "begins_at": begins}))
        return
    click.echo(f"{key.id}  {begins}")
