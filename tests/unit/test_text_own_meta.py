"""A `meta` that holds the server's own fields alone goes as a whole, with one comma."""

import json

import pytest

from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept, scan, with_meta, without_own_fields

OWN = '"meta":{"versionId":"3","lastUpdated":"2026-01-01T00:00:00Z"}'


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (f'{{"resourceType":"Patient","id":"a",{OWN},"active":true}}',
         '{"resourceType":"Patient","id":"a","active":true}'),
        (f'{{"resourceType":"Patient","id":"a",{OWN}}}', '{"resourceType":"Patient","id":"a"}'),
        (f'{{{OWN},"resourceType":"Patient","id":"a"}}', '{"resourceType":"Patient","id":"a"}'),
        (f'{{"active":true, {OWN} , "id":"a","resourceType":"Patient"}}',
         '{"active":true , "id":"a","resourceType":"Patient"}'),
        ('{"resourceType":"Patient","id":"a","meta":{"versionId":"3"}}',
         '{"resourceType":"Patient","id":"a"}'),
    ],
)  # fmt: skip
def test_what_was_read_can_be_sent_back(body: str, kept: str) -> None:
    accepted = accept(body.encode())
    assert accepted.body.decode() == kept
    read = with_meta(accepted.body, accepted.meta_offset, 4, "2026-02-02T00:00:00Z")
    again = json.loads(read)
    assert again.pop("meta") == {"versionId": "4", "lastUpdated": "2026-02-02T00:00:00Z"}
    assert again == json.loads(kept)
    assert accept(read) == accepted


def test_an_id_is_put_in_beside_the_cut() -> None:
    accepted = accept(f'{{"resourceType":"Patient",{OWN}}}'.encode(), id="a")
    assert accepted.body == b'{"resourceType":"Patient","id":"a"}'
    read = with_meta(accepted.body, accepted.meta_offset, 1, "2026-02-02T00:00:00Z")
    assert json.loads(read)["meta"]["versionId"] == "1"


def test_an_empty_meta_of_the_client_stays_to_be_refused() -> None:
    assert b'"meta":{}' in accept(b'{"resourceType":"Patient","id":"a","meta":{}}').body


@pytest.mark.parametrize(
    "front", ['{"resourceType":"Patient","id":"a"', '{"id":"a","resourceType":"Patient"']
)
@pytest.mark.parametrize(
    "meta",
    [
        "", OWN, '"meta":{}', '"meta":{"versionId":"3"}',
        '"meta":{"lastUpdated":"x","versionId":"3"}',
        '"meta":{"versionId":"3","lastUpdated":"x","tag":[{"code":"t"}]}',
        '"meta":{"tag":[{"code":"t"}]}', '"meta":{"tag":[{"code":"t"}],"versionId":"3"}',
        '"meta": {"versionId":"3","lastUpdated":"x"}', '"m\\u0065ta":{"versionId":"3"}',
        '"active":true,"meta":{"versionId":"3","lastUpdated":"x"}',
        '"extension":[{"url":"u","meta":{"versionId":"3"}}]',
        '"meta":{"versionId":"a\\"b","lastUpdated":"x"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("id", [None, "a", "b"])
def test_what_is_parsed_already_is_accepted_alike(front: str, meta: str, id: str | None) -> None:
    body = (front + (f",{meta}" if meta else "") + ',"gender":"male"}').encode()
    resource = scan(body).resource
    accepted = accept(body, id=id)
    assert accept(body, id=id, resource=resource) == accepted
    if id != "b":
        assert without_own_fields(resource) == parse(accepted.body)
