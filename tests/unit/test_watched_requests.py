import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support.asgi import ask, run
from trucyte.base.tracing import NoSpans
from trucyte.node.serving.spans import TelemetrySpans, find_spans
from trucyte.web.api import asgi
from trucyte.web.api.watch import Passed, Watched


def watched(status: int, passed: list[Passed], spans: Any = None, **headers: str) -> Watched:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asgi.read_body(receive, size_max=1000)
        answer = asgi.Answer(status, b"12345", "text/plain", [*headers.items()])
        await asgi.send_answer(send, answer)

    return Watched(app, {}, passed.append, spans or NoSpans())


def test_a_request_is_told_as_a_word_a_status_times_and_sizes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    passed: list[Passed] = []
    with caplog.at_level(logging.INFO):
        ask(watched(200, passed), "POST", "/fhir/Patient?name=Mến", body=b"abc")
    (one,) = passed
    assert (one.interaction, one.status, one.received, one.sent) == ("create", 200, 3, 5)
    (record,) = [r for r in caplog.records if r.msg == "web.request"]
    fields = record.trucyte_fields  # type: ignore[attr-defined]
    assert fields.keys() == {"interaction", "status", "milliseconds", "bytes"}


def test_neither_log_nor_figures_hold_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    passed: list[Passed] = []
    with caplog.at_level(logging.DEBUG):
        ask(watched(200, passed), "GET", "/fhir/Patient/ZMARKED-1?identifier=ZMARKED-2")
        ask(watched(404, passed), "GET", "/fhir/ZMARKED/$ZMARKED")
    assert "ZMARKED" not in caplog.text + str([vars(r) for r in caplog.records]) + str(passed)


@pytest.mark.parametrize(("status", "says"), [(503, "2"), (429, "2"), (200, None)])
def test_an_answer_that_asks_to_come_again_says_when(status: int, says: str | None) -> None:
    assert ask(watched(status, []), "GET", "/fhir").headers.get("retry-after") == says


def test_an_answer_that_says_when_is_left_as_it_is() -> None:
    app = watched(503, [], **{"Retry-After": "120"})
    assert ask(app, "GET", "/fhir").headers["retry-after"] == "120"


def test_a_request_whose_client_left_counts_as_gone() -> None:
    passed: list[Passed] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        return None

    async def nothing(*_: Any) -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/fhir", "headers": []}
    run(Watched(app, {}, passed.append, NoSpans())(scope, nothing, nothing))
    assert passed[0].status == 0


class Tracer:
    """As much of a tracer of OpenTelemetry's API as is called."""

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, Any]]] = []
        self.attributes: dict[str, Any] = {}

    @contextmanager
    def start_as_current_span(self, name: str, **told: Any) -> Iterator[Any]:
        self.started.append((name, told))
        yield SimpleNamespace(set_attribute=self.attributes.__setitem__)


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def telemetry(tracer: Tracer) -> TelemetrySpans:
    propagator = SimpleNamespace(extract=lambda carrier: carrier["traceparent"])
    return TelemetrySpans(tracer, propagator, SimpleNamespace(SERVER="server"))


def test_a_request_is_a_span_below_its_callers_and_holds_nothing_that_was_asked() -> None:
    tracer = Tracer()
    app = watched(200, [], telemetry(tracer))
    ask(app, "GET", "/fhir/Patient/ZMARKED?name=ZMARKED", headers={"traceparent": PARENT})
    ((name, told),) = tracer.started
    assert (name, told["context"], told["kind"]) == ("read", PARENT, "server")
    assert told["record_exception"] is False
    assert tracer.attributes == {"trucyte.status": 200}


def test_a_text_that_is_no_code_does_not_get_into_a_span() -> None:
    with telemetry(Tracer()).span("read") as span, pytest.raises(AssertionError):
        span.mark(name="Nguyễn Văn A")


def test_spans_go_to_opentelemetry_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opentelemetry.trace", "opentelemetry.trace.propagation.tracecontext"):
        monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(find_spans(), NoSpans)
    trace = ModuleType("opentelemetry.trace")
    trace.get_tracer = lambda name: Tracer()  # type: ignore[attr-defined]
    trace.SpanKind = SimpleNamespace(SERVER=1)  # type: ignore[attr-defined]
    context = ModuleType("opentelemetry.trace.propagation.tracecontext")
    context.TraceContextTextMapPropagator = SimpleNamespace  # type: ignore[attr-defined]
    for module in (trace, context):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    assert isinstance(find_spans(), TelemetrySpans)
