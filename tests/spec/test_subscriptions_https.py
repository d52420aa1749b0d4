"""Endpoints behind https: whose certificate is trusted is told, and nobody else's is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.support.asgi import ask
from tests.support.certificates import Authority, an_authority
from tests.support.interactions import an_observation, encoded
from tests.support.receiver import receiving
from tests.support.serving import needs_definitions
from tests.support.subscriptions import a_subscription
from trucyte.base.settings import load_settings
from trucyte.database.connect import Database
from trucyte.node.bulk.jobs import make_bulk
from trucyte.node.exchange.subscriptions import telling
from trucyte.node.serve import make_api
from trucyte.node.wiring import open_node
from trucyte.web.api.fhir import FhirApi


@dataclass(frozen=True, slots=True)
class Telling:
    """A node that tells subscribers."""

    api: FhirApi

    def create(self, resource: dict) -> dict:
        made = ask(
            self.api, "POST", f"/fhir/{resource['resourceType']}", body=encoded(resource),
            headers={"content-type": "application/fhir+json"},
        )  # fmt: skip
        assert made.status == 201, made.body
        return made.json

    def subscription(self, id: str) -> dict:
        return ask(self.api, "GET", f"/fhir/Subscription/{id}").json


@contextmanager
def trusting(database: Database, folder: Path, trust: str) -> Iterator[Telling]:
    """A node whose settings file says whom it trusts."""
    file = folder / "trucyte.toml"
    file.write_text(f'[subscriptions]\nnetworks = ["127.0.0.0/8"]\nattempts_max = 1\n{trust}\n')
    settings = load_settings({"TRUCYTE_DATABASE_URL": database.url}, file=file)
    settings = msgspec.structs.replace(settings, data=folder / "data")
    problems: list = []
    with open_node(settings) as node, telling(node, problems.append):
        yield Telling(make_api(node, make_bulk(node)))
    assert problems == []


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    needs_definitions()
    return an_authority(tmp_path, "ours")


def test_an_endpoint_of_an_authority_that_the_settings_name_is_told(
    database: Database, tmp_path: Path, authority: Authority
) -> None:
    with (
        receiving(secure=authority.serving()) as receiver,
        trusting(database, tmp_path, f'trust = "{authority.file}"') as node,
    ):
        id = node.create(a_subscription("Observation", receiver.url()))["id"]
        receiver.wait(lambda: node.subscription(id)["status"] == "active")
        node.create(an_observation("Patient/p1"))
        receiver.wait(lambda: len(receiver.came) == 1)
    assert receiver.came[0].headers["trucyte-subscription"] == id


@pytest.mark.parametrize("fault", ["nobody trusted", "other authority", "other host", "run out"])
def test_any_other_certificate_is_refused_and_the_subscription_says_why(
    database: Database, tmp_path: Path, authority: Authority, fault: str
) -> None:
    signer = an_authority(tmp_path, "theirs") if fault == "other authority" else authority
    address = "127.0.0.9" if fault == "other host" else "127.0.0.1"
    secure = signer.serving(address, days=-1 if fault == "run out" else 2)
    trust = "" if fault == "nobody trusted" else f'trust = "{authority.file}"'
    with receiving(secure=secure) as receiver, trusting(database, tmp_path, trust) as node:
        id = node.create(a_subscription("Observation", receiver.url()))["id"]
        receiver.wait(lambda: node.subscription(id)["status"] == "active")
        node.create(an_observation("Patient/p1"))
        receiver.wait(lambda: node.subscription(id)["status"] == "error")
        assert receiver.came == []
        assert "no trusted certificate" in node.subscription(id)["error"]
