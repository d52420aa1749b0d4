"""Subscriptions as a page lists them. Words stand in Vietnamese; the template translates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trucyte.exchange.subscriptions.store import Standing, Status
from trucyte.web.language import marked

_SIGNS: Final[Mapping[Status, tuple[str, str, str]]] = {
    Status.ERROR: (marked("đã dừng vì lỗi"), "red", "stop"),
    Status.REQUESTED: (marked("đang bắt tay"), "plain", "clock"),
    Status.ACTIVE: (marked("đang hoạt động"), "green", "good"),
    Status.OFF: (marked("đã tắt"), "plain", "clock"),
}
_PROBLEMS: Final[Mapping[str, str]] = {
    "subscription-endpoint-away": marked("Nơi nhận không nhận thông báo"),
    "subscription-endpoint": marked("Địa chỉ nhận không được phép"),
    "subscription-creator": marked("Không biết ai đã đăng ký"),
    "subscription-topic": marked("Không có chủ đề này"),
    "subscription-refused": marked("Nội dung đăng ký chưa hỗ trợ"),
}
_OTHER: Final = marked("Tiêu chí không dùng được")
_ORDER: Final = tuple(_SIGNS)


@dataclass(frozen=True, slots=True)
class Line:
    """One subscription of the list."""

    standing: Standing
    word: str
    tone: str
    drawing: str
    problem: str  # in words, "" for none
    waiting: int  # events that are not taken yet
    can_retry: bool


def lines_of(standings: Sequence[Standing]) -> list[Line]:
    """Return the lines, those that stopped first."""
    ordered = sorted(standings, key=lambda one: (_ORDER.index(one.status), one.id))
    return [_line(one) for one in ordered]


def _line(standing: Standing) -> Line:
    word, tone, drawing = _SIGNS[standing.status]
    if standing.status is Status.ACTIVE and standing.failures:
        word, tone, drawing = marked("đang thử lại"), "amber", "alert"
    return Line(
        standing,
        word,
        tone,
        drawing,
        _PROBLEMS.get(standing.problem, _OTHER) if standing.problem else "",
        standing.events - standing.delivered,
        bool(standing.failures) and bool(standing.channel) and standing.status is not Status.OFF,
    )
