"""Commands that start stand-ins of services of others: `standin vneid`."""

from pathlib import Path

import click

from trucyte.shared.access.oauth.clients import ClientRefused, is_redirect
from trucyte.shared.access.oauth.records import Client

_HOST = "127.0.0.1"


@click.group()
def standin() -> None:
    """Stand in for services of others, with people who do not exist; on this machine only."""


@standin.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8090, show_default=True)
@click.option("--client", "client_id", default="trucyte", show_default=True, help="The node's id.")
@click.option(
    "--redirect",
    multiple=True,
    default=("http://127.0.0.1:8080/login/vneid/callback",),
    show_default=True,
    help="Where the node is answered; may repeat.",
)
@click.option(
    "--jwks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The node's public keys; without, it is a public client.",
)
@click.option(
    "--people",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON list of invented people: number, name, born, level.",
)
def vneid(
    port: int, client_id: str, redirect: tuple[str, ...], jwks: Path | None, people: Path | None
) -> None:
    """Stand in for the provider that citizens log in with.

    Its address is the issuer: set `[access.vneid] issuer` to it.

    Example: trucyte standin vneid --port 8090
    """
    import uvicorn  # noqa: PLC0415 - heavy

    from trucyte.standins.vneid.app import StandIn  # noqa: PLC0415 - as above
    from trucyte.standins.vneid.people import read_people  # noqa: PLC0415 - as above

    if not all(map(is_redirect, redirect)):
        raise ClientRefused(reason="an address it is answered at is not exact")
    keys = jwks.read_text(encoding="utf-8") if jwks else ""
    known = Client(client_id, "Trucyte", "app", redirects=redirect, jwks=keys)
    made = StandIn(known, read_people(people) if people else None)
    click.echo(f"http://{_HOST}:{port}", err=True)
    uvicorn.run(
        made.app,
        host=_HOST,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
    )
