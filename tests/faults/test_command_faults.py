"""A command that is interrupted closes what it opened, its server too."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HOLD = """
import os, sys, time
import click
from trucyte.base.settings import load_settings
from trucyte.node import cli
from trucyte.node.wiring import open_node

@click.command()
def hold():
    with open_node(load_settings(os.environ)) as node:
        print(node.server.home.cluster, flush=True)
        time.sleep(600)

cli.Menu.get_command = lambda self, ctx, name: hold
cli.main(["hold"])
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_stops_its_server_and_says_how_it_ended(
    open_folder: Path, number: signal.Signals, code: int
) -> None:
    data = open_folder / f"held-{code}"
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=os.environ
        | {"PYTHONPATH": "src", "TRUCYTE_DATA": str(data)}
        | {"TRUCYTE_DATABASE_URL": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    cluster = Path(child.stdout.readline().strip())
    assert (cluster / "postmaster.pid").exists()
    child.send_signal(number)
    _, said = child.communicate()
    assert child.returncode == code
    assert "Traceback" not in said
    assert not (cluster / "postmaster.pid").exists()
