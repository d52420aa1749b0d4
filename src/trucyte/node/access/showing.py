"""Shows rules and decisions; it needs no database, only the rules."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from trucyte.base.settings import load_settings
from trucyte.node.cli import DONE, INPUT_ERRORS
from trucyte.records.access import Grant, Labels
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.policy import Decider, RuleBook, load_book
from trucyte.shared.access.policy.book import make_book, packaged_files
from trucyte.shared.access.policy.explaining import Explained, Step, effect_of
from trucyte.shared.access.policy.reading import open_file
from trucyte.shared.access.policy.rule import Permit, Rule, RulesRefused
from trucyte.shared.access.policy.vocabulary import default_purpose
from trucyte.shared.access.subject import Subject


def show_rules(check: Path | None, *, as_json: bool) -> None:
    """List the rules in force, or those of a folder or a file; raises RulesRefused."""
    book = _book(check)
    for rule in book.rules:
        facts = rule_facts(rule)
        if as_json:
            _json(facts)
        else:
            click.echo(f"{facts['effect']:<7} {facts['id']:<32} {rule.words.of(_language())}")
    if not as_json:
        click.echo(f"{len(book.rules)} · {book.digest}")


def _book(check: Path | None) -> RuleBook:
    if check is None:
        return load_book(load_settings(os.environ).data)
    if check.is_dir():
        return load_book(check)
    try:
        text = check.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RulesRefused(place=check.name, reason="it is not UTF-8") from None
    return make_book(packaged_files(), [open_file(check.name, text)])


def rule_facts(rule: Rule) -> dict[str, Any]:
    """Return a rule as one object for machines."""
    who = rule.who
    return {
        "id": rule.id,
        "effect": effect_of(rule),
        "kinds": sorted(who.kinds),
        "roles": sorted(who.roles),
        "purposes": sorted(who.purposes),
        "doors": sorted(who.doors),
        "assurance": who.assurance,
        "vi": rule.words.vi,
        "en": rule.words.en,
        "law": rule.law.text,
        "verified": rule.law.verified,
    }


def show_why(subject: Subject, purpose: str, door: str, *, shows_all: bool, as_json: bool) -> int:
    """Show what is decided for a subject, and by which rules."""
    decider = Decider(load_book(load_settings(os.environ).data))
    asked = purpose or default_purpose(subject.kind, subject.roles)
    told = decider.explained(subject, asked, door=door)
    if as_json:
        facts = {"purpose": asked, "allowed": told.is_allowed, "decided": list(told.decided)}
        _json(facts | _holds(decider, subject, asked, door, told) | {"rules": _steps(told.steps)})
    else:
        _say_why(told, asked, shows_all=shows_all)
    return DONE if told.is_allowed else INPUT_ERRORS


def _steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {"rule": step.rule, "applied": step.applied, "vi": step.told("vi"), "en": step.told("en")}
        for step in steps
    ]


def _holds(
    decider: Decider, subject: Subject, purpose: str, door: str, told: Explained
) -> dict[str, Any]:
    """Return what the access would hold, nothing where there is none."""
    if not told.is_allowed:
        return {}
    access = decider.access(subject, purpose, Unshown(), door=door)
    organisations = access.sees_organisations
    return {
        "organisations": None if organisations is None else sorted(organisations),
        "labels": [label.name for label in Labels if label in access.labels],
        "related": list(access.related.holders) if access.related else None,
        "needs_permit": access.agreed.needs_permit if access.agreed else None,
        "grants": [_grant(grant) for grant in access.grants or ()],
    }


def _grant(grant: Grant) -> dict[str, Any]:
    types = None if grant.types is None else sorted(grant.types)
    return {"types": types, "letters": letters_of(grant), "query": [list(x) for x in grant.query]}


def letters_of(grant: Grant) -> str:
    """Return the letters of a grant in their order."""
    return "".join(letter for letter in "cruds" if letter in grant.letters)


def _say_why(told: Explained, purpose: str, *, shows_all: bool) -> None:
    language = _language()
    words = {"vi": ("được", "không được"), "en": ("allowed", "denied")}[language]
    click.echo(f"{purpose}: {words[0] if told.is_allowed else words[1]}")
    for step in told.steps:
        if step.applied or shows_all or step.reason not in ("kind", "purpose", "role"):
            sign = "+" if step.applied else " "
            said = step.words.of(language) if step.applied else step.told(language)
            click.echo(f" {sign} {step.effect:<7} {step.rule:<32} {said}")
            if step.applied and step.law.text:
                click.echo(f"           {step.law.text}")


def show_table(*, as_json: bool) -> None:
    """Show each permit as a row of the table."""
    for permit in load_book(load_settings(os.environ).data).permits:
        for row in _rows(permit):
            if as_json:
                _json(row)
            else:
                click.echo("  ".join(str(row[name]) for name in ("role", "purpose", "rule")))


def _rows(permit: Permit) -> Iterator[dict[str, Any]]:
    for role in sorted(permit.who.roles) or sorted(permit.who.kinds):
        for purpose in sorted(permit.who.purposes):
            yield {
                "role": role,
                "purpose": purpose,
                "rule": permit.id,
                "relation": sorted(permit.relation),
                "organisations": permit.organisations.value,
                "persons": permit.persons.value,
                "consent": permit.consenting.value,
                "needs": sorted(permit.needs),
                "letters": sorted({letters_of(grant) for grant in permit.grants}),
            }


def _language() -> str:
    return "en" if os.environ.get("TRUCYTE_LANGUAGE") == "en" else "vi"


def _json(facts: Mapping[str, Any]) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False))
