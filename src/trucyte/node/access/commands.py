"""`trucyte access`: the rules of access, what they decide, and what waits for people."""

from pathlib import Path

import click

from trucyte.shared.access.subject import Kind, Subject

_JSON = click.option("--json", "as_json", is_flag=True, help="NDJSON for machines.")
_BY = click.option("--by", default="operator", help="Account that decides [operator].")


@click.group()
def access() -> None:
    """Who may see what: rules, decisions, emergencies, releases, alerts.

    Example: trucyte access why --role doctor
    """


@access.command()
@click.option(
    "--check",
    type=click.Path(exists=True, path_type=Path),
    help="A data folder, or a file of rules, to be checked alone.",
)
@_JSON
def rules(check: Path | None, as_json: bool) -> None:
    """List the rules in force, each with its article of law.

    Example: trucyte access rules --json
    """
    from trucyte.node.access.showing import show_rules  # noqa: PLC0415 - heavy for a menu

    show_rules(check, as_json=as_json)


@access.command()
@click.option("--role", "roles", multiple=True, help="A role or a named permission; several.")
@click.option(
    "--kind", default="staff", type=click.Choice(["staff", "system", "citizen", "node", "local"])
)
@click.option("--purpose", default="", help="v3 PurposeOfUse [the role's own].")
@click.option("--door", default="pages", help="pages, fhir, export … [pages].")
@click.option("--organisation", default="Organization/own", help="For whom it acts.")
@click.option("--practitioner", default="Practitioner/own", help="Whose account it is.")
@click.option("--ward", "wards", multiple=True, help="Location/x; several.")
@click.option("--assurance", default=1, type=click.IntRange(0, 3), help="How sure the login is.")
@click.option("--scope", "scopes", multiple=True, help="A SMART scope of a token; several.")
@click.option(
    "--all", "shows_all", is_flag=True, help="Also rules that have nothing to do with it."
)
@_JSON
def why(
    roles: tuple[str, ...],
    kind: Kind,
    purpose: str,
    door: str,
    organisation: str,
    practitioner: str,
    wards: tuple[str, ...],
    assurance: int,
    scopes: tuple[str, ...],
    shows_all: bool,
    as_json: bool,
) -> int:
    """Say what the rules decide for someone of these roles, and which of them decided.

    Exits with 1 where they deny.

    Example: trucyte access why --role doctor --role hiv_care --purpose TREAT
    """
    from trucyte.node.access.showing import show_why  # noqa: PLC0415 - heavy for a menu

    subject = Subject(
        "asked",
        kind,
        frozenset(roles),
        organisation,
        wards,
        practitioner,
        persons=frozenset({1}),
        assurance=assurance,
        scopes=scopes or None,
    )
    return show_why(subject, purpose, door, shows_all=shows_all, as_json=as_json)


@access.command()
@_JSON
def table(as_json: bool) -> None:
    """Show the table of roles and purposes: which permits there are, and on what conditions.

    Example: trucyte access table
    """
    from trucyte.node.access.showing import show_table  # noqa: PLC0415 - heavy for a menu

    show_table(as_json=as_json)


@access.command()
@click.argument("number", type=int, required=False)
@click.option("--reviewed", is_flag=True, help="Those that were reviewed.")
@click.option("--verdict", type=click.Choice(["justified", "unjustified"]), help="Judge NUMBER.")
@click.option("--reason", default="", help="Why it is judged so.")
@_BY
@_JSON
def emergencies(
    number: int | None, reviewed: bool, verdict: str | None, reason: str, by: str, as_json: bool
) -> None:
    """List the emergencies that wait for a review, overdue ones first; or judge one.

    Example: trucyte access emergencies 12 --verdict justified --reason "ca cấp cứu có thật"
    """
    from trucyte.node.access.queues import judge, show_emergencies  # noqa: PLC0415 - a node

    if (number is None) != (verdict is None):
        raise click.UsageError("NUMBER goes with --verdict")
    if number is not None and verdict is not None:
        judge(number, verdict, reason, by, as_json=as_json)
    else:
        show_emergencies(reviewed=reviewed, as_json=as_json)


@access.group()
def releases() -> None:
    """Release data to others than those who treat: the managing unit's key of two.

    Example: trucyte access releases list
    """


@releases.command("list")
@_JSON
def list_releases(as_json: bool) -> None:
    """List releases, those that wait first.

    Example: trucyte access releases list --json
    """
    from trucyte.node.access.queues import show_releases  # noqa: PLC0415 - the whole of a node

    show_releases(as_json=as_json)


@releases.command()
@click.argument("account")
@click.option("--purpose", default="HRESCH", help="v3 PurposeOfUse [HRESCH].")
@click.option("--what-for", required=True, help="What it is for, in a sentence.")
@click.option("--days", default=90, type=click.IntRange(1, 366), help="How long it holds [90].")
@click.option("--by", required=True, help="Account that asks.")
@_JSON
def ask(account: str, purpose: str, what_for: str, days: int, by: str, as_json: bool) -> None:
    """Ask the managing unit to release data to ACCOUNT.

    Example: trucyte access releases ask vien-a --what-for "nghiên cứu sốt xuất huyết" --by ct01
    """
    from trucyte.node.access.queues import ask_release  # noqa: PLC0415 - the whole of a node

    ask_release(account, purpose, what_for, days, by, as_json=as_json)


@releases.command()
@click.argument("number", type=int)
@click.option("--refuse", is_flag=True, help="Refuse it instead.")
@_BY
@_JSON
def decide(number: int, refuse: bool, by: str, as_json: bool) -> None:
    """Turn the managing unit's key: open a release, or refuse it. By another than who asked.

    Example: trucyte access releases decide 3 --by qt02
    """
    from trucyte.node.access.queues import decide_release  # noqa: PLC0415 - the whole of a node

    decide_release(number, by, opens=not refuse, as_json=as_json)


@releases.command()
@click.argument("number", type=int)
@_BY
@_JSON
def end(number: int, by: str, as_json: bool) -> None:
    """End a release at once.

    Example: trucyte access releases end 3
    """
    from trucyte.node.access.queues import end_release  # noqa: PLC0415 - the whole of a node

    end_release(number, by, as_json=as_json)


@access.command()
@click.option("--role", "roles", multiple=True, help="To whom [security_officer].")
@_JSON
def alerts(roles: tuple[str, ...], as_json: bool) -> None:
    """List alerts to those of a role, open ones first.

    Example: trucyte access alerts --json
    """
    from trucyte.node.access.queues import show_alerts  # noqa: PLC0415 - the whole of a node

    show_alerts(roles or ("security_officer",), as_json=as_json)
