"""The hospital scenarios of sekmet-fhir, as they come, with a node as the peer they test."""

import json
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import required

SECONDS_MAX = 300
PASSED = (
    "adt_admit_transfer_discharge",
    "adt_merge_update",
    "appointment_book_cancel",
    "billing_claim",
    "bulk_export_group",
    "clinical_documentation",
    "conformance_smoke",
    "lab_order_to_result",
    "medication_order_dispense",
    "rad_order_imaging_report",
    "subscription_backport_roundtrip",
    "subscription_roundtrip",
)
# Scenarios skip what needs a role the peer does not claim. A node is no laboratory, pays no
# claims, and takes no messages at `$process-message`.
NOT_OUR_ROLE = {
    "lab_order_peer_fills": "peer does not play role 'lab-filler'",
    "messaging_adt_orders": "peer does not advertise FHIR messaging",
    "billing_claim": "peer does not play role 'payer'",
}
# The scenario's own topic is sekmet's; it may be told the peer's.
TOPIC = "https://trucyte.vn/fhir/SubscriptionTopic/encounter-end"
SETTINGS = """\
base_url: http://127.0.0.1:{port}/fhir
host: 127.0.0.1
port: {port}
public_url: http://127.0.0.1:{port}
data_dir: data
peers:
  node:
    base_url: {node}
"""

Scenario = Mapping[str, Any]


@pytest.fixture(scope="module")
def scenarios(
    node_url: str, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Scenario]:
    """What each scenario found, by its name."""
    program = (installed / "venv/bin/sekmet").absolute()
    if not program.exists():
        assert not required("clients"), "sekmet-fhir is required and absent"
        pytest.skip("sekmet-fhir is not installed (make test-clients)")
    folder = tmp_path_factory.mktemp("sekmet")
    (folder / "settings.yaml").write_text(SETTINGS.format(port=_free_port(), node=node_url))
    command = [program, "scenario", "run", "all", "--peer", "node", "--serve"]
    command += ["--var", f"topic={TOPIC}", "--var", "filter_param=patient"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    reports = list(folder.glob("reports/*/results.json"))
    assert len(reports) == 1, done.stdout + done.stderr
    return {Path(one["file"]).stem: one for one in json.loads(reports[0].read_text())}


@pytest.mark.parametrize("name", PASSED)
def test_every_step_of_a_scenario_passes(scenarios: Mapping[str, Scenario], name: str) -> None:
    steps = scenarios[name]["steps"]
    skip = NOT_OUR_ROLE.get(name)
    missed = [step for step in steps if step["status"] != "passed" and not _skipped(step, skip)]
    told = [(step["name"], step["status"], step["message"]) for step in missed]
    assert not told
    assert any(step["status"] == "passed" for step in steps)


def test_nothing_is_skipped_but_roles_that_a_node_does_not_play(
    scenarios: Mapping[str, Scenario],
) -> None:
    assert len(scenarios) == 14
    for name, scenario in scenarios.items():
        skipped = [step for step in scenario["steps"] if step["status"] == "skipped"]
        assert all(_skipped(step, NOT_OUR_ROLE.get(name)) for step in skipped), name
    assert set(scenarios) == {*PASSED, *NOT_OUR_ROLE}


def _skipped(step: Mapping[str, Any], reason: str | None) -> bool:
    return step["status"] == "skipped" and reason is not None and reason in step["message"]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
