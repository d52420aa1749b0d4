"""Spans for OpenTelemetry, where its API is installed (`pip install trucyte[otel]`).

The operator chooses exporter and sampling by OpenTelemetry's own environment; this node
only says where a request's time went. Attributes are short codes and numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from trucyte.base.tracing import NoSpans, Span, Spans, check_mark


def find_spans() -> Spans:
    """Return spans that are told to OpenTelemetry, or to nobody where it is not installed."""
    try:
        trace = import_module("opentelemetry.trace")
        propagation = import_module("opentelemetry.trace.propagation.tracecontext")
    except ImportError:
        return NoSpans()
    return TelemetrySpans(
        trace.get_tracer("trucyte"), propagation.TraceContextTextMapPropagator(), trace.SpanKind
    )


class _Marked:
    """A span of OpenTelemetry that takes only what may stand in it."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def mark(self, **values: int | float | bool | str) -> None:
        for name, value in values.items():
            check_mark(name, value)
            self._span.set_attribute(f"trucyte.{name}", value)


class TelemetrySpans:
    """Spans told to a tracer."""

    def __init__(self, tracer: Any, propagator: Any, kinds: Any) -> None:
        """Tell `tracer`; read callers' contexts with `propagator`."""
        self._tracer = tracer
        self._propagator = propagator
        self._kinds = kinds

    @contextmanager
    def span(self, name: str, *, parent: str = "") -> Iterator[Span]:
        """Time the block; below the caller's span where there is one.

        What goes wrong is not told: the text of an exception may quote a record.
        """
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        started = self._tracer.start_as_current_span(
            name,
            context=context,
            kind=self._kinds.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        )
        with started as span:
            yield _Marked(span)
