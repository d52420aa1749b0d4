"""`trucyte identity status|reindex`: how the index of people stands, and making it anew."""

import click

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")


@click.command()
@click.option("--crowded", is_flag=True, help="Also the keys that too many share; takes longer.")
@_JSON
def status(crowded: bool, as_json: bool) -> None:
    """Show how many people the index holds, how far it is behind, and what waits for a person.

    Example: trucyte identity status --crowded --json
    """
    from trucyte.node.people.standing import show_status  # noqa: PLC0415 - the whole of a node

    show_status(crowded=crowded, as_json=as_json)


@click.command()
@_JSON
def reindex(as_json: bool) -> None:
    """Make the index of people anew; when stopped, it goes on by itself.

    Example: trucyte identity reindex
    """
    from trucyte.node.people.standing import remake  # noqa: PLC0415 - the whole of a node

    remake(as_json=as_json)
