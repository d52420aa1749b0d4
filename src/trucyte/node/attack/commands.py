"""The command `attack`: attack an own node on this machine, and sign what came of it."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

import trucyte
from trucyte.base.settings import load_settings
from trucyte.journal.keyring import Keyring
from trucyte.node.attack.arena import Arena
from trucyte.node.attack.asking import read_target
from trucyte.node.attack.prepare import clean as end_all
from trucyte.node.attack.prepare import prepare as make_all
from trucyte.node.attack.report import checked, page_of, signed
from trucyte.node.attack.running import CARRIED_OUT, run, write_json
from trucyte.node.attack.stage import read_stage, write_stage
from trucyte.node.cli import INPUT_ERRORS
from trucyte.node.wiring import open_node


class _UrlOrCommand(click.Group):
    """A group whose first word may be the URL to attack."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_UrlOrCommand)
def attack() -> None:
    """Attack an own node on this machine: `attack prepare`, then `attack URL`.

    Example: trucyte attack http://127.0.0.1:8080 --quick
    """


@attack.command()
def prepare() -> None:
    """Make the accounts and clients that attacks use, in the node of the data folder.

    Example: trucyte attack prepare
    """
    settings = load_settings(os.environ)
    with open_node(settings) as node:
        click.echo(write_stage(settings.data, make_all(node)), err=True)


@attack.command()
def clean() -> None:
    """End all that attacks used.

    Example: trucyte attack clean
    """
    with open_node(load_settings(os.environ)) as node:
        click.echo(end_all(node))


@attack.command()
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(report: Path) -> int:
    """Check the signature of a report, without any node.

    Example: trucyte attack verify attack-report.json
    """
    told, key = checked(report.read_bytes())
    click.echo(f"{told.get('verdict')} {told.get('began_at')} {key}")
    return 0


@attack.command("run", hidden=True)
@click.argument("url")
@click.option("--quick", is_flag=True, help="Fewer roles and values.")
@click.option("--only", multiple=True, type=click.Choice(list(CARRIED_OUT)), help="May repeat.")
@click.option("--json", "as_json", is_flag=True, help="The signed report on standard output.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File of the report.")
def run_(url: str, quick: bool, only: tuple[str, ...], as_json: bool, out: Path | None) -> int:
    """Attack the node at URL. Exit code 1 where anything was found.

    Example: trucyte attack http://127.0.0.1:8080 --quick
    """
    settings, target = load_settings(os.environ), read_target(url)
    arena = Arena(target, read_stage(settings.data), is_quick=quick)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    lines = run(arena, only, told=lambda id, word: click.echo(f"{word:<6} {id}", err=True))
    report = {
        "version": f"trucyte {trucyte.__version__}, python {sys.version.split()[0]}",
        "began_at": began,
        "profile": "quick" if quick else "whole",
        "verdict": "found" if arena.findings else "held",
        "attacks": lines,
    }
    facts = signed(report, Keyring.open(settings.data / "keys", settings.keys.master))
    if out is not None:
        write_json(out, facts)
        out.with_suffix(".html").write_text(page_of(report), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    for one in arena.findings:
        click.echo(f"{one.attack}: {one.what}\n  {one.curl}", err=True)
    return INPUT_ERRORS if arena.findings else 0
