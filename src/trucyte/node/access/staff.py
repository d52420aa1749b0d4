"""The command `staff`: accounts of people, as the operator of this machine sees to them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from trucyte.base.settings import load_settings
from trucyte.node.access.people import make_book
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.staff.account import OPERATOR, Rights, StaffAccount, State
from trucyte.shared.access.staff.book import StaffBook
from trucyte.shared.access.staff.roles import STAFF_ROLES

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON objects for machines.")
_ROLE = click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(STAFF_ROLES),
    help="A role; several may be given.",
)
_ORGANISATION = click.option(
    "--organisation", default="", help="Organization/79001; none: the node."
)
_WARD = click.option("--ward", "wards", multiple=True, help="Location/x; several may be given.")
_PRACTITIONER = click.option("--practitioner", default="", help="Practitioner/x.")


@click.group()
def staff() -> None:
    """Accounts of people who work at this node's pages.

    Example: trucyte staff first
    """


@staff.command()
@click.argument("name", default="quantri")
@click.option("--display", default="Quản trị", help="What the pages call it.")
@_JSON
def first(name: str, display: str, as_json: bool) -> None:
    """Make the first administrator and print a one-time link, good for 24 hours.

    Example: trucyte staff first quantri
    """
    with _opened() as (node, book):
        secret = book.accounts.first(name, display, OPERATOR)
        _say_link(node, name, secret, as_json=as_json)


@staff.command()
@click.argument("name")
@click.option("--display", required=True, help="What the pages call it.")
@_ROLE
@_ORGANISATION
@_WARD
@_PRACTITIONER
@_JSON
def add(
    name: str,
    display: str,
    roles: tuple[str, ...],
    organisation: str,
    wards: tuple[str, ...],
    practitioner: str,
    as_json: bool,
) -> None:
    """Make an account and print a one-time link, good for 24 hours.

    Example: trucyte staff add bs.noi2 --display "BS. Mẫu" --role doctor
    """
    with _opened() as (node, book):
        rights = Rights(roles, organisation, wards, practitioner)
        secret = book.accounts.add(name, display, rights, OPERATOR)
        _say_link(node, name, secret, as_json=as_json)


@staff.command(name="list")
@_JSON
def list_(as_json: bool) -> None:
    """List the accounts with their roles, states and last use.

    Example: trucyte staff list --json
    """
    with _opened() as (_, book):
        for account in book.accounts.list():
            _say_account(account, as_json=as_json)


@staff.command()
@click.argument("name")
@_ROLE
@_ORGANISATION
@_WARD
@_PRACTITIONER
@_JSON
def roles(
    name: str,
    roles: tuple[str, ...],
    organisation: str,
    wards: tuple[str, ...],
    practitioner: str,
    as_json: bool,
) -> None:
    """Give an account these rights instead of those it has; its sessions lock.

    Example: trucyte staff roles bs.noi2 --role doctor --ward Location/noi-2
    """
    with _opened() as (_, book):
        book.accounts.set_rights(name, Rights(roles, organisation, wards, practitioner), OPERATOR)
        _say_account(book.accounts.find(name), as_json=as_json)


@staff.command()
@click.argument("name")
@_JSON
def reset(name: str, as_json: bool) -> None:
    """Forget a password, second factor and passkeys; print a one-time link.

    Example: trucyte staff reset bs.noi2
    """
    with _opened() as (node, book):
        _say_link(node, name, book.accounts.reset(name, OPERATOR), as_json=as_json)


@staff.command()
@click.argument("name")
@click.option("--handed-to", default="", help="The account that the leaver's work goes to.")
@_JSON
def end(name: str, handed_to: str, as_json: bool) -> None:
    """End a leaver's account; its sessions die at once.

    Example: trucyte staff end bs.noi2 --handed-to bs.noi3
    """
    with _opened() as (_, book):
        book.accounts.end(name, OPERATOR, handed_to=handed_to)
        _say_account(book.accounts.find(name), as_json=as_json)


@staff.command()
@click.argument("name", default="")
@click.option("--keep", "verdict", flag_value="keep", help="Sign NAME off as it is.")
@click.option("--end", "verdict", flag_value="end", help="End NAME by this review.")
@_JSON
def review(name: str, verdict: str | None, as_json: bool) -> None:
    """Show whose rights are to be signed off, or sign off those of NAME.

    Example: trucyte staff review bs.noi2 --keep
    """
    if bool(name) != bool(verdict):
        raise click.UsageError("NAME and one of --keep, --end go together")
    with _opened() as (_, book):
        if verdict:
            book.accounts.review(name, "keep" if verdict == "keep" else "end", OPERATOR)
            _say_account(book.accounts.find(name), as_json=as_json)
            return
        for account in book.accounts.list():
            if account.is_overdue:
                _say_account(account, as_json=as_json)


@contextmanager
def _opened() -> Iterator[tuple[Node, StaffBook]]:
    with open_node(load_settings(os.environ), needs_room=False) as node:
        yield node, make_book(node, "cli")


def _say_link(node: Node, name: str, secret: str, *, as_json: bool) -> None:
    web = node.settings.web
    host = next(iter(web.hosts), "")
    base = f"https://{host}" if host else f"http://127.0.0.1:{web.port}"
    link = f"{base}/login/link/{secret}"
    if as_json:
        click.echo(json.dumps({"account": name, "link": link, "hours": 24}))
        return
    click.echo(f"{name}\n{link}")
    click.echo("Dùng một lần, trong 24 giờ · Once, within 24 hours", err=True)


def _say_account(account: StaffAccount, *, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "account": account.name,
        "display": account.display,
        "state": account.state.value,
        "roles": list(account.rights.roles),
        "organisation": account.rights.organisation,
        "wards": list(account.rights.wards),
        "practitioner": account.rights.practitioner,
        "used": account.used_at.isoformat() if account.used_at else None,
        "reviewed": account.reviewed_at.isoformat() if account.reviewed_at else None,
        "overdue": account.is_overdue,
        "handed_to": account.handed_to,
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    used = f"{account.used_at:%Y-%m-%d}" if account.used_at else "-"
    late = " ⚠ review" if account.is_overdue and account.state is not State.ENDED else ""
    click.echo(
        f"{account.name:<24} {account.state.value:<8} {used:<10} "
        f"{','.join(account.rights.roles)}{late}"
    )
