"""The table of a node's metrics: what `/metrics` shows, and all it can ever show."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Final

from trucyte.base.metrics import Kind, Meters, Metric
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.journal.journal import Journal, Noted
from trucyte.web.api.interaction import INTERACTIONS, Lane

SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
SAMPLE_SECONDS: Final = 5.0
ROLES: Final = ("supervisor", "worker", "background")
JOURNALS: Final = ("records", "audit")
FOLLOWERS: Final = (
    "terminology", "subscriptions", "identity", "newcomers", "exchange", "insight",
)  # fmt: skip
STATUSES: Final = ("2xx", "3xx", "4xx", "5xx", "gone")
REFUSALS: Final = (
    "rate", "client-busy", "node-busy", "too-large", "head-too-large", "head-slow", "body-slow",
    "reader-slow", "client-connections", "connections", "handshake",
)  # fmt: skip
LANES: Final = tuple(lane.value for lane in Lane)

REQUESTS = Metric(
    "trucyte_requests_total", Kind.COUNTER,
    "Requests answered, by interaction and class of status; gone: the client left first.",
    {"interaction": INTERACTIONS, "status": STATUSES},
)  # fmt: skip
REQUEST_SECONDS = Metric(
    "trucyte_request_seconds", Kind.HISTOGRAM,
    "From the request's head to the last byte given to the line.",
    {"interaction": INTERACTIONS}, SECONDS,
)  # fmt: skip
RECEIVED = Metric("trucyte_received_bytes_total", Kind.COUNTER, "Bytes of request bodies.")
SENT = Metric("trucyte_sent_bytes_total", Kind.COUNTER, "Bytes of answers' bodies.")
REFUSED = Metric(
    "trucyte_refused_total", Kind.COUNTER, "Requests and connections refused by a limit.",
    {"limit": REFUSALS},
)  # fmt: skip
UNDER_WAY = Metric("trucyte_requests_running", Kind.GAUGE, "Requests under way.")
CONNECTIONS = Metric("trucyte_connections", Kind.GAUGE, "Open connections of clients.")
ACCEPTING = Metric("trucyte_workers_accepting", Kind.GAUGE, "Workers that take connections.")
LANE_WAITING = Metric(
    "trucyte_lane_waiting", Kind.GAUGE, "Work that waits for a thread.", {"lane": LANES}
)
COMMIT_SECONDS = Metric(
    "trucyte_commit_seconds", Kind.HISTOGRAM, "Of one commit, waiting for its lock included.",
    {"journal": JOURNALS}, SECONDS,
)  # fmt: skip
COMMIT_UNITS = Metric(
    "trucyte_commit_units", Kind.HISTOGRAM, "Callers whose work one commit joined.",
    {"journal": JOURNALS}, (1, 2, 4, 8, 16, 32, 64, 128, 256),
)  # fmt: skip
LINES = Metric(
    "trucyte_journal_lines_total", Kind.COUNTER, "Lines accepted.", {"journal": JOURNALS}
)
POOL = Metric(
    "trucyte_database_connections", Kind.GAUGE, "Pooled connections.", {"state": ("lent", "idle")}
)
POOL_WAITING = Metric("trucyte_database_waiting", Kind.GAUGE, "Callers that wait for a connection.")
LAG = Metric(
    "trucyte_follower_lag_lines", Kind.GAUGE, "Journal lines a follower has not seen yet.",
    {"follower": FOLLOWERS},
)  # fmt: skip
STARTS = Metric(
    "trucyte_process_starts_total", Kind.COUNTER, "Processes started, the first time and again.",
    {"role": ROLES},
)  # fmt: skip
RESIDENT = Metric(
    "trucyte_process_resident_bytes", Kind.GAUGE, "Memory in use, of all processes of a role.",
    {"role": ROLES},
)  # fmt: skip
CPU = Metric(
    "trucyte_process_cpu_seconds", Kind.GAUGE, "Of the processes that run now.", {"role": ROLES}
)
METRICS: Sequence[Metric] = (
    REQUESTS, REQUEST_SECONDS, RECEIVED, SENT, REFUSED, UNDER_WAY, CONNECTIONS, ACCEPTING,
    LANE_WAITING, COMMIT_SECONDS, COMMIT_UNITS, LINES, POOL, POOL_WAITING, LAG,
    STARTS, RESIDENT, CPU,
)  # fmt: skip


def commits_noted(meters: Meters, journal: str) -> Noted:
    """Return what a journal tells of its commits to."""

    def noted(units: int, lines: int, seconds: float) -> None:
        meters.observe(COMMIT_SECONDS, journal, value=seconds)
        meters.observe(COMMIT_UNITS, journal, value=units)
        meters.add(LINES, journal, amount=lines)

    return noted


def sample_process(meters: Meters, role: str) -> None:
    """Look at this process's memory and time."""
    meters.set(RESIDENT, role, value=resident_bytes())
    meters.set(CPU, role, value=time.process_time())


def sample_pool(meters: Meters, database: Database) -> None:
    """Look at this process's pool of connections."""
    lent, idle, waiting = database.figures()
    meters.set(POOL, "lent", value=lent)
    meters.set(POOL, "idle", value=idle)
    meters.set(POOL_WAITING, value=waiting)


def sample_lag(meters: Meters, journal: Journal) -> None:
    """Look at how far each follower is behind the journal's end."""
    try:
        end = journal.position()
        for name in FOLLOWERS:
            here = journal.cursor(name)
            if here is not None and here.epoch == end.epoch:
                meters.set(LAG, name, value=max(0, end.seq - here.seq))
    except Problem:
        return  # the database is away: what was seen last stands


def sample(stop: Event, *looks: Callable[[], None]) -> None:
    """Look again and again until `stop` is set."""
    while True:
        for look in looks:
            look()
        if stop.wait(SAMPLE_SECONDS):
            return


def resident_bytes(process: int | None = None) -> int:
    """Return the memory that a process (this one) has in use; 0 where the system does not say."""
    place = Path("/proc") / ("self" if process is None else str(process)) / "statm"
    try:
        return int(place.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
