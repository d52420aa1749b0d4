"""A real node for clients of others: a process, a port, a database and a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT, required

START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 60
INSTALLED = ROOT / "build/clients"


# Whom the node tells of what it accepts: the clients, which are on this machine.
SETTINGS = """
[subscriptions]
http_hosts = ["127.0.0.1"]
networks = ["127.0.0.0/8"]
"""


@pytest.fixture(scope="session")
def node_url(open_folder: Path) -> Iterator[str]:
    """The FHIR address of a node that `trucyte serve` serves until the session ends."""
    # Files of other folders have this fixture too: in one process each has a node of its own.
    place = Path(tempfile.mkdtemp(prefix="of-clients-", dir=open_folder))
    place.chmod(0o711)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "TRUCYTE_DATA": str(place / "node"),
    }
    log = place / "log"
    (place / "trucyte.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "trucyte.node.cli", "serve", "--port", "0"]
    with log.open("wb") as written:
        node = subprocess.Popen(command, cwd=place, env=environment, stderr=written)
    try:
        yield f"{_address(node, log)}/fhir"
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(STOP_SECONDS_MAX)
    assert "Traceback" not in log.read_text(), log.read_text()


def _address(node: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until the node says where it listens, and answers there."""
    for _ in range(START_SECONDS_MAX * 10):
        said = re.search(r"^http://\S+$", log.read_text(), re.MULTILINE)
        if said and _answers(said[0]):
            return said[0]
        assert node.poll() is None, log.read_text()
        time.sleep(0.1)
    pytest.fail(log.read_text())


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/fhir/metadata", timeout=60).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="session")
def installed() -> Path:
    """Where `make test-clients` installs clients that cannot live beside our dependencies."""
    if not INSTALLED.is_dir():
        if required("clients"):
            pytest.fail("the clients are required and not installed (make test-clients)")
        pytest.skip("sekmet-fhir and fhir-kit-client are not installed (make test-clients)")
    return INSTALLED
