"""The services of a node for tests of its pages: everything in memory, nothing of anyone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from tests.support.web_identity import FakeIdentityBook
from tests.support.web_records import FakeRecords
from tests.support.web_registers import FakeRegisterBook
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.exchange.subscriptions.store import Creator, Standing, Status
from trucyte.fhir.issue import Severity
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.claims.rules.rule import Rule, read_rules
from trucyte.intake.receipts import Quarantined, ReceivedFile, ReceivedVisit, State
from trucyte.journal.evidence import Evidence
from trucyte.records.access import Access
from trucyte.records.parameters.plan import State as ParameterState
from trucyte.records.parameters.progress import Progress
from trucyte.shared.access.subject import Subject
from trucyte.shared.audit import Entry, EntryNotFound, Outcome
from trucyte.shared.audit.asked import Asked
from trucyte.shared.audit.entry import Deed
from trucyte.shared.audit.reading import Found
from trucyte.web.api.operations.reindex import Reindex
from trucyte.web.services import Checkpoint, NodeStatus, Rate, Services, WebSettings

NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


class NoSuchFile(Problem):
    """This file is not here."""

    kind = Kind.NOT_FOUND
    code = "file-not-found"


class SilentRecorder:
    """Keeps nothing of what was shown."""

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Forget it."""


class FakeTrail:
    """A trail in memory that looks the same for everyone."""

    @contextmanager
    def request(self, reason: str, *, door: str, request: str = "") -> Iterator[Asked]:
        durable: Future[None] = Future()
        durable.set_result(None)
        yield Asked(lambda *told, **more: durable, reason, door, "request")

    def of_person(
        self, access: Access, person: int, *, count: int = 50, before: int | None = None
    ) -> Found:
        rows = (
            ("bs-tran-mau", "Organization/79001", "page", "Encounter", 22, "TREAT", 0),
            ("kt-le-mau", "Organization/79001", "read", "Observation", 0, "HPAYMT", 4),
            ("cdc-mau", "Organization/75000", "export", "", 1204, "PUBHLTH", 0),
            ("pages", "", "page", "Patient", 17, "TREAT", 0),
        )
        return Found(
            [
                Entry(
                    9 - n,
                    NOW - timedelta(hours=7 * n),
                    Deed(f"r{n}", "fhir", deed, type, purpose, who, organisation, Outcome(end),
                         resources, "", (person,)),
                )
                for n, (who, organisation, deed, type, resources, purpose, end) in enumerate(rows)
            ],
            5,
        )  # fmt: skip

    def entry_of_person(self, access: Access, person: int, id: str) -> Entry:
        raise EntryNotFound

    def prove(self, access: Access, id: str) -> Evidence:
        raise EntryNotFound


def fake_access(subject: Subject, purpose: str) -> Access:
    return Access("test", purpose, sees_restricted=False, recorder=SilentRecorder())


@cache
def all_rules() -> dict[str, Rule]:
    return {rule.number: rule for text in packaged_rules() for rule in read_rules(text)}


def received(number: int, name: str, **more: object) -> ReceivedFile:
    file = ReceivedFile(
        number=number,
        name=name,
        door="hanoi",
        size=1_840_221,
        received_at=NOW - timedelta(minutes=8 * (9 - number)),
        finished_at=NOW - timedelta(minutes=8 * (9 - number) - 1),
        state=State.DONE,
        variant="3176/QĐ-BYT",
        facility="79001",
        visits=120,
        visits_total=120,
        resources=3_024,
        errors=0,
        warnings=0,
        quarantined=0,
        transaction=f"GD20261122{number:04d}",
    )
    return replace(file, **more)  # type: ignore[arg-type] # the keywords are the dataclass's own


FILES = [
    received(8, "giamdinh_20261122_04.xml", errors=5, warnings=3, door="upload"),
    received(
        7,
        "ho_so_thang_10.zip",
        state=State.RUNNING,
        visits=712,
        visits_total=1080,
        size=22_184_021,
        finished_at=None,
        resources=17_944,
        door="cli",
    ),
    received(6, "giamdinh_20261122_03.xml", warnings=2),
    received(
        5,
        "hs_loi_cat_ngang.xml",
        state=State.FAILED,
        visits=0,
        visits_total=None,
        resources=0,
        quarantined=1,
        variant="",
        size=81_400,
    ),
    received(4, "giamdinh_20261122_02.xml", visits=84, visits_total=84, resources=2_110),
    received(3, "giamdinh_20261122_01.xml", resources=0),
    received(
        2,
        "giamdinh_20261121_09.xml",
        received_at=NOW - timedelta(days=1, hours=2),
        finished_at=NOW - timedelta(days=1, hours=2),
    ),
]


def findings() -> list[Finding]:
    money = {"sent": "3500", "expected": "3150"}
    return [
        Finding("CTN-A01", Severity.ERROR, "XML1", 1, "SO_CCCD"),
        Finding(_rule("hospital_amount"), Severity.ERROR, "XML2", 3, "THANH_TIEN_BV", money),
        Finding(_rule("order"), Severity.WARNING, "XML3", 2, "NGAY_YL"),
        Finding("DM-icd10", Severity.INFORMATION, "", 0, ""),
    ]


def _rule(check: str) -> str:
    return next(rule.number for rule in all_rules().values() if rule.check == check)


@dataclass
class FakeReceipts:
    """`Receipts` in memory."""

    received: list[ReceivedFile] = field(default_factory=lambda: list(FILES))
    bodies: dict[int, bytes] = field(default_factory=dict)

    def receive(self, name: str, door: str, chunks: Iterable[bytes]) -> ReceivedFile:
        body = b"".join(chunks)
        for number, known in self.bodies.items():
            if known == body:
                return self.file(number)
        number = max((file.number for file in self.received), default=0) + 1
        file = received(
            number,
            name,
            door=door,
            size=len(body),
            state=State.WAITING,
            visits=0,
            visits_total=None,
            received_at=NOW,
            finished_at=None,
        )
        self.received.insert(0, file)
        self.bodies[number] = body
        return file

    def files(self, *, before: int | None = None, count: int = 50) -> Sequence[ReceivedFile]:
        return [f for f in self.received if before is None or f.number < before][:count]

    def file(self, number: int) -> ReceivedFile:
        for file in self.received:
            if file.number == number:
                return file
        raise NoSuchFile

    def by_transaction(self, transaction: str) -> ReceivedFile:
        for file in self.received:
            if file.transaction == transaction:
                return file
        raise NoSuchFile

    def visits(
        self, number: int, *, after: int = 0, count: int = 100, with_findings_only: bool = False
    ) -> Sequence[ReceivedVisit]:
        if number != 8:
            return []
        all_findings = findings()
        spread = {1: all_findings, 12: all_findings[1:2], 40: all_findings[1:3], 77: all_findings}
        visits = [
            ReceivedVisit(
                number,
                ordinal,
                f"MAU-{ordinal:010d}",
                "v2" if ordinal == 2 else "v1",
                "unchanged" if ordinal % 9 == 0 else "accepted",
                ordinal in (2, 77),
                spread.get(ordinal, []),
            )
            for ordinal in range(1, 121)
        ]
        return [v for v in visits if v.ordinal > after and (v.findings or not with_findings_only)][
            :count
        ]

    def findings_by_rule(self, number: int, *, with_restricted: bool) -> Mapping[str, int]:
        if number != 8:
            return {}
        one, two, three, four = (finding.rule for finding in findings())
        return {one: 1, two: 6, three: 3, four: 120}

    def original(self, number: int) -> Iterable[bytes]:
        self.file(number)
        return [self.bodies.get(number, b"<GIAMDINHHS/>")]

    def quarantined(self, *, open_only: bool = True) -> Sequence[Quarantined]:
        if not any(file.number == 5 for file in self.received):
            return []
        facts = {"line": 812}
        return [
            Quarantined(1, 5, 0, "xml-truncated", facts, NOW - timedelta(minutes=32), 81_400, None)
        ]


HOURLY = (7_310, 5_020, 940, 3_100, 6_480, 5_660, 2_210, 410, 120, 60, 0, 0, 8_400, *[0] * 8)


def fake_status() -> NodeStatus:
    start = NOW.replace(minute=0) - timedelta(hours=23)
    counts = [*HOURLY, 4_160, 13_920, 8_022]
    return NodeStatus(
        position=30_241,
        accepted_at=NOW - timedelta(minutes=1),
        rates=[Rate(start + timedelta(hours=n), count) for n, count in enumerate(counts)],
        checkpoint=Checkpoint(30_100, NOW - timedelta(minutes=12), "7f3a 91c2 44de", True, NOW),
        disk_free_bytes=212 * 10**9,
        disk_total_bytes=480 * 10**9,
        disk_is_low=False,
        database_version="PostgreSQL 18.6",
        database_bytes=1_288_490_188,
        waiting_jobs=1,
        versions=[("Trucyte", "0.1.0"), ("Python", "3.11.2")],
    )


def fake_parameters() -> list[Progress]:
    """Return one parameter of each state."""
    base = "https://benhvien.example/fhir/SearchParameter/"
    rows = (
        ("ma-buong", "token", ("Encounter",), ParameterState.BUILDING, 41, 128_000, 312_000, 3_450),
        (
            "nhom-mau",
            "token",
            ("Patient", "Observation"),
            ParameterState.READY,
            100,
            84_210,
            84_210,
            3_120,
        ),
        ("que-quan", "string", ("Patient",), ParameterState.STOPPED, 12, 10_020, 84_210, 2_980),
        ("so-cu", "string", ("Patient",), ParameterState.LEAVING, 77, 64_841, 84_210, 3_000),
    )
    return [
        Progress(code, base + code, code, type_, bases, state, False, percent, done, total, rate)
        for code, type_, bases, state, percent, done, total, rate in rows
    ]


class FakeSubscribers:
    """One subscription of each state."""

    def __init__(self) -> None:
        rows = (
            ("01jc0quangay4m5hx2b7e9d1", Status.ACTIVE, "", 12_408, 12_408, 0),
            ("01jc0xemnhiem7k2t5r8w3q6", Status.ACTIVE, "subscription-endpoint-away", 977, 940, 3),
            ("01jc0dutru000p9s4d6f1g2h", Status.REQUESTED, "", 0, 0, 0),
            ("01jc0hong0000z8x7c6v5b4n", Status.ERROR, "subscription-endpoint", 51, 20, 12),
            ("01jc0tat00000m1n2b3v4c5x", Status.OFF, "", 300, 300, 0),
        )
        self._rows = [
            Standing(
                id=id, version=1, seq=number, creator=Creator("", "", ""), channel="rest-hook",
                status=status, problem=problem, reason="", told_status="", events=events,
                delivered=delivered, failures=failures, due_at=NOW, heartbeat_seconds=None,
                ends_at=None, tried_at=NOW, delivered_at=NOW if delivered else None,
            )
            for number, (id, status, problem, events, delivered, failures) in enumerate(rows, 1)
        ]  # fmt: skip

    def listed(self) -> list[Standing]:
        return self._rows

    def retry(self, id: str, now: datetime) -> bool:
        return any(one.id == id for one in self._rows)


def fake_services(kind: str = "busy") -> Services:
    """Return services of a busy node, or with "empty" those of a node on its first day."""
    receipts = FakeReceipts() if kind == "busy" else FakeReceipts(received=[])
    return Services(
        records=FakeRecords(),
        receipts=receipts,
        access=fake_access,
        status=fake_status,
        rules=all_rules(),
        clock=FixedClock(NOW),
        settings=WebSettings(
            "Bệnh viện Đa khoa Mẫu",
            "79001",
            "0.1.0",
            hosts=frozenset({"127.0.0.1", "localhost", "testserver"}),
        ),
        reindex=Reindex(lambda: fake_parameters() if kind == "busy" else [], len, len),
        trail=FakeTrail(),
        subscribers=FakeSubscribers() if kind == "busy" else None,
        identity=FakeIdentityBook() if kind == "busy" else FakeIdentityBook(pairs={}, joined={}),
        registers=FakeRegisterBook() if kind == "busy" else FakeRegisterBook(people=[], places=[]),
    )
