"""Commands on who may use the doors: `door add|list|end`."""

import json
import os
import re

import click

from trucyte.base.settings import load_settings
from trucyte.node.wiring import open_node

_ORGANISATION = re.compile(r"Organization/[A-Za-z0-9.-]{1,64}")


@click.group()
def door() -> None:
    """Let hospital systems send over HTTP: accounts and their ends."""


@door.command()
@click.argument("name")
@click.option("--facility", default="", help="MA_CSKCB it may send for [any].")
@click.option(
    "--organisation", default="", help="For whom it reads and writes, Organization/ID [--facility]."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
def add(name: str, facility: str, organisation: str, as_json: bool) -> None:
    """Make an account and show its password, once.

    Example: trucyte door add his --facility 79001
    """
    if organisation and not _ORGANISATION.fullmatch(organisation):
        raise click.UsageError("--organisation Organization/ID")
    with open_node(load_settings(os.environ)) as node:
        password = node.accounts.add(name, facility, organisation)
    if as_json:
        facts = {"name": name, "facility": facility, "organisation": organisation}
        click.echo(json.dumps({**facts, "password": password}))
        return
    click.echo(f"Mật khẩu, chỉ hiện một lần · Password, shown once: {password}")


@door.command("list")
@click.option("--json", "as_json", is_flag=True, help="NDJSON for machines.")
def list_accounts(as_json: bool) -> None:
    """Show all accounts.

    Example: trucyte door list
    """
    with open_node(load_settings(os.environ)) as node:
        accounts = node.accounts.list()
    for account in accounts:
        ended = account.ended_at.isoformat() if account.ended_at else None
        if as_json:
            facts = {"name": account.name, "facility": account.facility, "ended_at": ended}
            click.echo(json.dumps({**facts, "organisation": account.organisation}))
        else:
            whose = account.organisation or account.facility or "*"
            click.echo(f"{account.name:<24} {whose:<8} {ended or ''}")


@door.command()
@click.argument("name")
def end(name: str) -> None:
    """End an account; its tokens end with it at once.

    Example: trucyte door end his
    """
    with open_node(load_settings(os.environ)) as node:
        node.accounts.end(name)
