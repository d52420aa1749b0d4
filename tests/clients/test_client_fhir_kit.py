"""fhir-kit-client (JavaScript), as it comes, against a node over HTTP: its walk is in node/."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import required

WALK = Path(__file__).parent / "node/fhir_kit.test.mjs"
SECONDS_MAX = 120


def test_the_javascript_client_can_do_all_it_offers(node_url: str, installed: Path) -> None:
    client = installed / "node/node_modules/fhir-kit-client/dist/index.js"
    node = shutil.which("node")
    if node is None or not client.exists():
        if required("node"):
            pytest.fail("node and fhir-kit-client are required and absent")
        pytest.skip("node or fhir-kit-client is not installed (make test-clients)")
    walked = subprocess.run(
        [node, "--test", "--test-reporter=spec", WALK],
        env=os.environ | {"FHIR_KIT": str(client), "NODE_URL": node_url},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert walked.returncode == 0, walked.stdout
    assert "pass 0" not in walked.stdout
