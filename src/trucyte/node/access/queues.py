"""Shows and decides what waits for people: emergencies, releases, alerts.

Whoever works here sits at the node's machine as its operator; what they decide is entered
in the trail as any other act, under the account they name.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click

from trucyte.base.settings import load_settings
from trucyte.node.access.deciding import Deciding, make_deciding
from trucyte.node.wiring import Node, open_node
from trucyte.shared.access.alerts import KINDS
from trucyte.shared.access.emergency import Emergency, Verdict
from trucyte.shared.access.local import no_access
from trucyte.shared.access.release import Release
from trucyte.shared.access.subject import Subject


@contextmanager
def _opened(*, needs_room: bool = False) -> Iterator[tuple[Node, Deciding]]:
    with open_node(load_settings(os.environ), needs_room=needs_room) as node:
        yield node, make_deciding(node)


def _enter(node: Node, by: str, reason: str) -> None:
    """Enter what an operator did, before it is done."""
    access = no_access(Subject(by, "local"), node.trail)
    node.trail.enter(access, reason, door="cli").result()


def show_emergencies(*, reviewed: bool, as_json: bool) -> None:
    """List emergencies: what waits, or what was judged."""
    with _opened() as (node, deciding):
        found = deciding.emergencies.reviewed() if reviewed else deciding.emergencies.waiting()
        _enter(node, "operator", "emergency-list")
        now = node.clock.now()
    for each in found:
        facts = _emergency(each) | {"overdue": each.is_overdue(now)}
        sign = "!" if facts["overdue"] else " "
        line = f"{sign} {each.number:>6}  {each.due_at.isoformat()}  {each.account}  {each.ground}"
        _say(facts, line, as_json=as_json)


def judge(number: int, verdict: str, reason: str, by: str, *, as_json: bool) -> None:
    """Judge an emergency; raises its Problems."""
    with _opened() as (node, deciding):
        _enter(node, by, "emergency-review")
        done = deciding.emergencies.review(Subject(by, "local"), number, Verdict(verdict), reason)
    _say(_emergency(done), f"{done.number}: {verdict}", as_json=as_json)


def _emergency(each: Emergency) -> dict[str, Any]:
    """Return an emergency for machines; its reason is read on the page, by those who review."""
    return {
        "number": each.number,
        "account": each.account,
        "organisation": each.organisation,
        "ground": each.ground.value,
        "opened_at": each.opened_at.isoformat(),
        "until": each.until.isoformat(),
        "due_at": each.due_at.isoformat(),
        "verdict": each.review.verdict.value if each.review else None,
        "reviewed_by": each.review.by if each.review else None,
    }


def show_releases(*, as_json: bool) -> None:
    """List releases."""
    with _opened() as (_, deciding):
        found = deciding.releases.list()
    for each in found:
        _say_release(each, as_json=as_json)


def ask_release(
    account: str, purpose: str, what_for: str, days: int, by: str, *, as_json: bool
) -> None:
    """Ask for a release; raises ReleaseRefused."""
    with _opened() as (node, deciding):
        _enter(node, by, "release-ask")
        until = node.clock.now() + timedelta(days=days)
        asked = deciding.releases.ask(
            by, account=account, purpose=purpose, what_for=what_for, until=until
        )
    _say_release(asked, as_json=as_json)


def decide_release(number: int, by: str, *, opens: bool, as_json: bool) -> None:
    """Open a release or refuse it; raises ReleaseUnknown, ReleaseByTwo."""
    with _opened() as (node, deciding):
        _enter(node, by, "release-open" if opens else "release-refuse")
        decided = deciding.releases.decide(by, number, opens=opens)
    _say_release(decided, as_json=as_json)


def end_release(number: int, by: str, *, as_json: bool) -> None:
    """End a release; raises ReleaseUnknown."""
    with _opened() as (node, deciding):
        _enter(node, by, "release-end")
        ended = deciding.releases.end(by, number)
    _say_release(ended, as_json=as_json)


def _say_release(each: Release, *, as_json: bool) -> None:
    facts = {
        "number": each.number,
        "account": each.account,
        "purpose": each.purpose,
        "what_for": each.what_for,
        "state": each.state.value,
        "asked_by": each.asked_by,
        "decided_by": each.decided_by or None,
        "until": each.until.isoformat(),
    }
    line = f"{each.number:>6}  {each.state:<8} {each.account:<20} {each.purpose}  {each.what_for}"
    _say(facts, line, as_json=as_json)


def show_alerts(roles: tuple[str, ...], *, as_json: bool) -> None:
    """List alerts to those of some roles."""
    with _opened() as (_, deciding):
        found = deciding.alerts.of_roles(frozenset(roles))
    language = "en" if os.environ.get("TRUCYTE_LANGUAGE") == "en" else "vi"
    for each in found:
        facts = {
            "number": each.number,
            "kind": each.kind,
            "about": each.about,
            "raised_at": each.raised_at.isoformat(),
            "state": each.state.value,
        }
        words = KINDS[each.kind].of(language) if each.kind in KINDS else each.kind
        _say(facts, f"{each.number:>6}  {each.state:<10} {each.about:<16} {words}", as_json=as_json)


def _say(facts: Mapping[str, Any], line: str, *, as_json: bool) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else line)
