"""Received files as people read them: their state in words, their findings by rule."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trucyte.base.clock import VIETNAM
from trucyte.fhir.issue import Severity
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.rules.book import LIST_PREFIX
from trucyte.intake.claims.rules.rule import Rule
from trucyte.intake.claims.rules.words import Wording, wording
from trucyte.intake.receipts import ReceivedFile, ReceivedVisit, State
from trucyte.web.language import marked
from trucyte.web.views.reasons import REASONS, UNKNOWN_REASON

EXAMPLES_MAX = 3

DOORS = {
    "cli": marked("lệnh trên máy chủ"),
    "upload": marked("trang web"),
    "folder": marked("thư mục theo dõi"),
    "hanoi": marked("HIS gửi qua mạng"),
}
UNDONE = {
    State.WAITING: (marked("đang chờ"), "plain", "clock"),
    State.RUNNING: (marked("đang đọc"), "blue", "clock"),
    State.FAILED: (marked("không đọc được"), "red", "box"),
}
OUTCOMES = {
    "accepted": (marked("đã nhận"), "green", "good"),
    "unchanged": (marked("không đổi"), "plain", "check"),
    "superseded": (marked("đã có bản mới hơn"), "plain", "clock"),
    "quarantined": (marked("cách ly"), "red", "box"),
}
SEVERITIES = {
    Severity.FATAL: (marked("chặn"), "red", "stop"),
    Severity.ERROR: (marked("lỗi"), "red", "stop"),
    Severity.WARNING: (marked("cảnh báo"), "amber", "alert"),
    Severity.INFORMATION: (marked("lưu ý"), "blue", "info"),
}
_RANKS = (Severity.FATAL, Severity.ERROR, Severity.WARNING, Severity.INFORMATION)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding is: the visit of the file, the row, and the whole sentence."""

    ordinal: int
    link: str
    anchor: str
    words: Wording


@dataclass(slots=True)
class Group:
    """All findings of one rule in a file."""

    rule: str
    severity: Severity
    count: int
    words: Wording
    is_known: bool
    places: list[Place] = field(default_factory=list)

    @property
    def is_unchecked(self) -> bool:
        """Say whether the rules could not be asked, because a code list is not loaded."""
        return self.rule.startswith(LIST_PREFIX)


def file_state(file: ReceivedFile) -> tuple[str, str, str]:
    """Return the state of a file as word, tone and drawing."""
    if file.state is not State.DONE:
        return UNDONE[file.state]
    if file.quarantined:
        return marked("có phần cách ly"), "red", "box"
    if file.errors:
        return marked("có lỗi cần sửa"), "red", "stop"
    if file.warnings:
        return marked("có cảnh báo"), "amber", "alert"
    return marked("xong"), "green", "good"


def is_moving(file: ReceivedFile) -> bool:
    """Say whether a file is still being worked on."""
    return file.state in (State.WAITING, State.RUNNING)


def is_of_day(file: ReceivedFile, now: datetime) -> bool:
    """Say whether a file came on the Vietnamese day of `now`."""
    return file.received_at.astimezone(VIETNAM).date() == now.astimezone(VIETNAM).date()


def anchor_of(finding: Finding) -> str:
    """Return the name of a row within the page of its visit."""
    return f"{finding.table or 'HOSO'}-{finding.row}"


def groups_of(
    counts: Mapping[str, int],
    visits: Iterable[ReceivedVisit],
    rules: Mapping[str, Rule],
    language: str,
    *,
    sees_restricted: bool,
) -> list[Group]:
    """Return findings by rule, the gravest and most frequent first, with a few places each."""
    groups: dict[str, Group] = {}
    for visit in visits:
        if visit.is_restricted and not sees_restricted:
            continue
        for finding in visit.findings:
            group = groups.get(finding.rule)
            if group is None:
                group = groups[finding.rule] = _group(finding, counts, rules, language)
            if len(group.places) < EXAMPLES_MAX:
                group.places.append(place_of(visit, finding, rules, language))
    for number in counts.keys() - groups.keys():
        severity = rules[number].severity if number in rules else Severity.INFORMATION
        bare = Finding(number, severity, "", 0, "")
        groups[number] = _group(bare, counts, rules, language)
    return sorted(groups.values(), key=lambda g: (_RANKS.index(g.severity), -g.count, g.rule))


def place_of(
    visit: ReceivedVisit, finding: Finding, rules: Mapping[str, Rule], language: str
) -> Place:
    """Return where a finding is and what it says there."""
    words = wording(finding, rules, language)
    return Place(visit.ordinal, visit.link, anchor_of(finding), words)


def is_unchecked(finding: Finding) -> bool:
    """Say whether a finding only tells that a code list is not loaded."""
    return finding.rule.startswith(LIST_PREFIX)


def to_mend(visit: ReceivedVisit) -> int:
    """Return how many findings of a visit ask for something."""
    return sum(not is_unchecked(finding) for finding in visit.findings)


def by_table(
    findings: Sequence[Finding], rules: Mapping[str, Rule], language: str
) -> list[tuple[str, Finding, Wording]]:
    """Return a visit's findings in the order of the file, with their anchor and words."""

    def order(finding: Finding) -> tuple[int, int, int]:
        number = int(finding.table.removeprefix("XML") or -1) if finding.table else -1
        return number, finding.row, _RANKS.index(finding.severity)

    return [
        (anchor_of(finding), finding, wording(finding, rules, language))
        for finding in sorted(findings, key=order)
    ]


def reason_words(code: str) -> tuple[str, str]:
    """Return why something lies in quarantine, and what to do."""
    return REASONS.get(code, UNKNOWN_REASON)


def _group(
    finding: Finding, counts: Mapping[str, int], rules: Mapping[str, Rule], language: str
) -> Group:
    return Group(
        rule=finding.rule,
        severity=finding.severity,
        count=counts.get(finding.rule, 0),
        words=wording(finding, rules, language),
        is_known=finding.rule in rules,
    )
