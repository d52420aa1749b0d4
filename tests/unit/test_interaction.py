import pytest

from trucyte.web.api.interaction import INTERACTIONS, Lane, interaction_of, lane_of


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("GET", "/fhir/metadata", "capabilities"),
        ("GET", "/fhir", "search-system"),
        ("POST", "/fhir/", "batch"),
        ("POST", "/fhir", "batch"),
        ("GET", "/fhir/_history", "history-system"),
        ("GET", "/fhir/Patient", "search-type"),
        ("POST", "/fhir/Patient", "create"),
        ("PUT", "/fhir/Patient", "update"),
        ("POST", "/fhir/Patient/_search", "search-type"),
        ("GET", "/fhir/Patient/_history", "history-type"),
        ("GET", "/fhir/Patient/p1", "read"),
        ("HEAD", "/fhir/Patient/p1", "read"),
        ("PUT", "/fhir/Patient/p1", "update"),
        ("PATCH", "/fhir/Patient/p1", "patch"),
        ("DELETE", "/fhir/Patient/p1", "delete"),
        ("GET", "/fhir/Patient/p1/_history", "history-instance"),
        ("GET", "/fhir/Patient/p1/_history/2", "vread"),
        ("GET", "/fhir/Patient/p1/Observation", "search-type"),
        ("GET", "/fhir/Patient/p1/$everything", "operation-everything"),
        ("POST", "/fhir/$validate", "operation-validate"),
        ("GET", "/fhir/$079123456789", "operation"),
        ("GET", "/fhirs/Patient/p1", "page"),
        ("BREW", "/fhir/Patient/p1", "other"),
        ("POST", "/api/token/take", "door"),
        ("GET", "/api/openapi.json", "openapi"),
        ("GET", "/health", "page"),
        ("GET", "/health/ready", "health"),
        ("GET", "/metrics", "metrics"),
        ("GET", "/static/1/a.css", "static"),
        ("GET", "/people/p1", "page"),
        ("GET", "//", "page"),
        ("GET", "", "page"),
    ],
)
def test_a_request_has_the_word_of_its_interaction(method: str, path: str, word: str) -> None:
    assert interaction_of(method, path) == word
    assert word in INTERACTIONS


def test_a_whole_record_takes_no_thread_from_a_read() -> None:
    assert lane_of("read") is Lane.READS
    assert lane_of("search-type") is Lane.SEARCHES
    assert lane_of("create") is Lane.WRITES
    assert lane_of("operation-everything") is Lane.LONG
    assert all(lane_of(word) for word in INTERACTIONS)
