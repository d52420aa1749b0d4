"""What one node exports, an empty one takes in: the same resources, ids and digits."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.bulk import manifest, open_bulk_node
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Operation

# Minutes of processes that start, wait and die: for `make test-long`.
pytestmark = pytest.mark.long

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: text == text.strip() and not text.isspace() and text != ""
)
DIGITS = st.sampled_from(["72.50", "1", "0.000", "-3.10", "1234567890.123456789"])
METAS = st.sampled_from(
    [None, {}, {"tag": [{"code": "x"}]}, {"versionId": "7"}, {"versionId": "7", "source": "urn:a"}]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    number = draw(st.integers(0, 10))
    resource = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"text": draw(TEXTS)},
        "valueQuantity": {"value": "@"},
    }
    meta = draw(METAS)
    if meta:
        resource["meta"] = meta
    text = json.dumps(
        resource, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2]))
    )
    return text.replace('"@"', draw(DIGITS)).encode()


def exactly(body: bytes) -> object:
    """Parsed with order and digits kept."""
    return json.loads(body, object_pairs_hook=list, parse_float=str, parse_int=str)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(bodies(), min_size=1, max_size=12))
def test_an_export_taken_in_by_an_empty_node_gives_the_same(
    server_url: str,
    migrated_template: str,
    tmp_path_factory,
    definitions: Definitions,
    clock: FixedClock,
    sent: list[bytes],
) -> None:
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with (
        fresh_database(server_url, template=migrated_template) as first,
        fresh_database(server_url, template=migrated_template) as second,
        open_bulk_node(first, one, clock, definitions) as source,
        open_bulk_node(second, other, clock, definitions) as target,
    ):
        for body in sent:
            accepted = accept(body)
            change = Change(
                "Observation", json.loads(body)["id"], Operation.UPDATE, accepted.body,
                accepted.meta_offset, 1,
            )  # fmt: skip
            source.node.journal.commit([change])
        exported = source.export("/fhir/$export")
        lines = source.lines(exported)
        Path(target.files / "all.ndjson").write_bytes(b"\n".join(lines.values()))
        told = target.take_in(manifest({"url": "all.ndjson"}))
        assert told["output"][0]["count"] == len(lines)
        assert told["error"] == []
        assert _bodies(target) == _bodies(source)
        assert _exported_again(target) == {key: _without_meta(line) for key, line in lines.items()}


def _bodies(node) -> dict[str, object]:
    found = {line.entry.id: line.body for line in node.node.journal.follow(0)}
    return {id: exactly(body) for id, body in found.items()}


def _exported_again(node) -> dict[str, dict]:
    return {k: _without_meta(v) for k, v in node.lines(node.export("/fhir/$export")).items()}


def _without_meta(line: bytes) -> dict:
    resource = json.loads(line, parse_float=str)
    meta = {k: v for k, v in resource.pop("meta").items() if k not in ("versionId", "lastUpdated")}
    return resource | {"meta": meta}
