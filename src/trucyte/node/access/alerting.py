"""Commands for alerts over the trail: `audit alerts`, `audit judge`, `audit watch`.

Whoever works here sits at the node's machine; what they look at and judge is entered in the
trail under the account they name. What --json prints is a contract.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import load_settings
from trucyte.node.access.watching import make_watching
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.alerts import KINDS, Alerts, AlertWords, State
from trucyte.shared.access.local import no_access, system_access
from trucyte.shared.access.subject import Subject
from trucyte.shared.audit.alerts.following import ROLE
from trucyte.shared.audit.alerts.listing import WatchList
from trucyte.shared.audit.alerts.rule import read_rules

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")
_BY = click.option("--by", metavar="ACCOUNT", required=True, help="Who does it.")


class NoSuchPatient(Problem):
    """There is no Patient of that id here."""

    kind = Kind.NOT_FOUND
    code = "no-such-patient"


@contextmanager
def _opened(by: str, reason: str) -> Iterator[Node]:
    """Open the node, and enter what is about to be done or looked at."""
    with open_node(load_settings(os.environ), needs_room=False) as node:
        access = no_access(Subject(by, "local"), node.trail)
        node.trail.enter(access, reason, door="cli").result()
        yield node


def words_of(node_rules: Mapping[str, AlertWords], kind: str, language: str) -> str:
    """Return what an alert of a kind says."""
    words = node_rules.get(kind) or KINDS.get(kind)
    return words.of(language) if words is not None else kind


@click.command()
@click.option("--by", metavar="ACCOUNT", default="operator", help="Who looks.")
@click.option("--all", "shows_all", is_flag=True, help="Those that were judged, too.")
@_JSON
def alerts(by: str, shows_all: bool, as_json: bool) -> None:
    """Look at the trail now, and list the alerts to the security officers.

    Example: trucyte audit alerts --json
    """
    with _opened(by, "alert-list") as node:
        make_watching(node).catch_up()
        found = Alerts(node.database, node.clock).of_roles(frozenset({ROLE}))
        rules, language = read_rules(node.settings.data), node.settings.language
    words = {rule.kind: AlertWords(rule.vi, rule.en) for rule in rules}
    for each in found:
        if not shows_all and each.state not in (State.OPEN, State.LOOKED_AT):
            continue
        facts: dict[str, Any] = {
            "number": each.number,
            "kind": each.kind,
            "about": each.about,
            "raised_at": each.raised_at.isoformat(),
            "state": each.state.value,
            "evidence": list(each.evidence),
        }
        line = f"{each.number:>6}  {each.state:<10} {each.about:<24} "
        line += words_of(words, each.kind, language)
        click.echo(json.dumps(facts, ensure_ascii=False) if as_json else line)


@click.command()
@click.argument("number", type=int)
@click.argument("state", type=click.Choice([one.value for one in State if one is not State.OPEN]))
@click.option("--reason", default="", help="Why; needed to dismiss or escalate.")
@_BY
def judge(number: int, state: str, reason: str, by: str) -> None:
    """Move an alert on: looked-at, dismissed or escalated.

    Example: trucyte audit judge 12 dismissed --reason "trực thay" --by an-ninh
    """
    with _opened(by, "alert-move") as node:
        subject = Subject(by, "local", frozenset({ROLE}))
        Alerts(node.database, node.clock).move(subject, number, State(state), reason)


@click.command()
@click.argument("patient", required=False, default="")
@click.option("--end", "ends", is_flag=True, help="Take the person off the list.")
@click.option("--reason", default="", help="Why every look by a stranger is asked about.")
@_BY
@_JSON
def watch(patient: str, ends: bool, reason: str, by: str, as_json: bool) -> None:
    """Put a PATIENT (its id) on the list of sensitive persons, or list how many there are.

    Example: trucyte audit watch abc --reason "theo đề nghị" --by an-ninh
    """
    with _opened(by, "watch-list") as node:
        book = WatchList(node.database, node.clock)
        if patient:
            person = _person(node, patient)
            if ends:
                book.end(person, by)
            else:
                book.add(person, reason, by)
        listed = len(book.list())
    click.echo(json.dumps({"watched": listed}) if as_json else f"{listed}")


def _person(node: Node, id: str) -> int:
    """Return the key of a Patient; who named it knows its id, so nothing of it is shown."""
    try:
        return node.records.read(system_access("alerts"), "Patient", id).person
    except Problem:
        raise NoSuchPatient from None
