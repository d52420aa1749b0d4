"""Commands on what persons agreed to and ask for: `consent`, `rights`, `hold`."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from trucyte.base.settings import load_settings

if TYPE_CHECKING:
    from trucyte.records import Access
    from trucyte.shared.access.consent.agreements import Agreements
    from trucyte.shared.access.consent.requests import Request

_EVENTS = ("acknowledge", "begin", "extend", "answer", "refuse", "drop")
_KINDS = ("access", "rectify", "erase", "restrict", "withdraw", "protect")

_json = click.option("--json", "as_json", is_flag=True, help="NDJSON for machines.")
_patient = click.argument("patient", metavar="PATIENT-ID")


@contextmanager
def _opened() -> Iterator[tuple["Agreements", "Access", date]]:
    """Open the node; what is shown to who sits at this machine is entered in the trail."""
    from trucyte.base.clock import VIETNAM  # noqa: PLC0415 - help stays fast
    from trucyte.node.access.agreements import agreements_of  # noqa: PLC0415 - help stays fast
    from trucyte.node.wiring import open_node  # noqa: PLC0415 - help stays fast
    from trucyte.shared.access.local import local_access  # noqa: PLC0415 - help stays fast

    with open_node(load_settings(os.environ)) as node:
        today = node.clock.now().astimezone(VIETNAM).date()
        yield agreements_of(node), local_access("command", node.trail), today


def _tell(facts: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, default=_plain))
        return
    told = (value for value in facts.values() if value not in (None, ""))
    click.echo("  ".join(str(_plain(value)) for value in told))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


@click.group()
def consent() -> None:
    """What a person agreed to: list, withdraw."""


@consent.command("list")
@_patient
@_json
def list_consents(patient: str, as_json: bool) -> None:
    """Show a person's consents, those in force first.

    Example: trucyte consent list 01jd2m8q --json
    """
    with _opened() as (all, access, _):
        for standing in all.consents.standings(access, f"Patient/{patient}"):
            for one in standing.consents:
                facts = {
                    "id": one.id, "purpose": one.purpose, "status": one.status,
                    "receiver": one.receiver, "at": one.at, "ends_at": one.ends_at,
                    "text": one.text, "sha256": one.digest, "language": one.language,
                    "channel": one.channel, "withdrawn_at": one.withdrawn_at,
                }  # fmt: skip
                _tell(facts, as_json=as_json)


@consent.command()
@_patient
@click.argument("id")
@click.option("--reason", default="", help="Why, in the person's words.")
@_json
def withdraw(patient: str, id: str, reason: str, as_json: bool) -> None:
    """Take a consent back, at once, and show who else must be told.

    Example: trucyte consent withdraw 01jd2m8q gx4k…
    """
    with _opened() as (all, access, _):
        ended = all.consents.withdraw(access, f"Patient/{patient}", id, reason)
        holders = [
            {"holder": one.holder, "state": one.state.value}
            for one in all.holders.notices(ended.person)
            if (one.consent, one.version) == (ended.id, ended.version)
        ]
    facts = {"id": ended.id, "status": ended.status, "withdrawn_at": ended.withdrawn_at}
    _tell({**facts, "holders": holders}, as_json=as_json)


@click.group()
def rights() -> None:
    """What people ask about their data, under the clocks of the law."""


@rights.command("list")
@click.option("--ended", is_flag=True, help="Those that ended, the last first.")
@_json
def list_requests(ended: bool, as_json: bool) -> None:
    """Show the requests that wait, the longest overdue first.

    Example: trucyte rights list --json
    """
    with _opened() as (all, access, today):
        found = all.requests.ended(access) if ended else all.requests.open(access)
        for one in found:
            _tell(_request(one, today), as_json=as_json)


@rights.command()
@click.argument("number", type=int)
@_json
def show(number: int, as_json: bool) -> None:
    """Show a request with its steps.

    Example: trucyte rights show 12
    """
    with _opened() as (all, access, today):
        one = all.requests.one(access, number)
        facts = _request(one, today)
        steps = [
            {"at": step.at, "account": step.account, "event": step.event, "note": step.note,
             "article": step.article}
            for step in one.steps
        ]  # fmt: skip
    if as_json:
        _tell({**facts, "words": one.words, "steps": steps}, as_json=True)
        return
    for line in (facts, *steps):
        _tell(line, as_json=False)


@rights.command()
@_patient
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--words", default="", help="What is asked, in the person's words.")
@_json
def receive(patient: str, kind: str, words: str, as_json: bool) -> None:
    """Take a request in; its clocks start now.

    Example: trucyte rights receive 01jd2m8q access
    """
    person = f"Patient/{patient}"
    with _opened() as (all, access, today):
        all.consents.decides(access, person)  # there is such a person
        made = all.requests.receive(access, person, kind, words=words, channel="command", by=person)
        _tell(_request(made, today), as_json=as_json)


@rights.command()
@click.argument("number", type=int)
@click.argument("event", type=click.Choice(_EVENTS))
@click.option("--note", default="", help="The answer, or the reason.")
@click.option("--article", default="", help="Of the law, for a refusal.")
@_json
def move(number: int, event: str, note: str, article: str, as_json: bool) -> None:
    """Take a step with a request.

    Example: trucyte rights move 12 extend --note "hồ sơ giấy ở kho"
    """
    from trucyte.shared.access.consent.moves import Event  # noqa: PLC0415 - help stays fast

    with _opened() as (all, access, today):
        one = all.requests.move(access, number, Event(event), note=note, article=article)
        _tell(_request(one, today), as_json=as_json)


@rights.command()
@_patient
@_json
def plan(patient: str, as_json: bool) -> None:
    """Show what erasing a person's data would come to today.

    Example: trucyte rights plan 01jd2m8q --json
    """
    with _opened() as (all, access, _):
        found = all.erasures.plan(access, f"Patient/{patient}")
    facts = {
        "free": len(found.free), "kept": len(found.kept), "until": found.until,
        "articles": list(found.articles), "holds": [hold.number for hold in found.holds],
    }  # fmt: skip
    _tell(facts, as_json=as_json)


@click.group()
def hold() -> None:
    """Legal holds: while one stands, nothing of the person is erased."""


@hold.command()
@_patient
@click.option("--why", required=True, help="Why the data must stay.")
@click.option("--article", default="", help="Of the law, or the order's number.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Its last day [until ended].")
@_json
def add(patient: str, why: str, article: str, until: datetime | None, as_json: bool) -> None:
    """Begin a hold.

    Example: trucyte hold add 01jd2m8q --why "khiếu nại số 12" --until 2027-06-30
    """
    person = f"Patient/{patient}"
    with _opened() as (all, access, _):
        all.consents.decides(access, person)  # there is such a person
        number = all.holds.add(
            access, person, why=why, article=article, until=until.date() if until else None
        )
    _tell({"number": number}, as_json=as_json)


@hold.command()
@click.argument("number", type=int)
def end(number: int) -> None:
    """End a hold.

    Example: trucyte hold end 3
    """
    with _opened() as (all, access, _):
        all.holds.end(access, number)


@hold.command("list")
@click.option("--ended", is_flag=True, help="Those that ended, too.")
@_json
def list_holds(ended: bool, as_json: bool) -> None:
    """Show the holds.

    Example: trucyte hold list
    """
    with _opened() as (all, _, today):
        for one in all.holds.list(with_ended=ended):
            facts = {
                "number": one.number, "patient": one.patient, "why": one.why,
                "article": one.article, "begun_at": one.begun_at, "begun_by": one.begun_by,
                "until": one.until, "ended_at": one.ended_at, "stands": one.stands(today),
            }  # fmt: skip
            _tell(facts, as_json=as_json)


def _request(one: "Request", today: date) -> dict[str, Any]:
    return {
        "number": one.number, "patient": one.patient, "kind": one.kind,
        "state": one.state.value, "received_at": one.received_at, "due": one.due,
        "overdue": one.is_overdue(today), "ended_at": one.ended_at,
    }  # fmt: skip
