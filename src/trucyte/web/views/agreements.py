"""Consents, proxies and requests in the words of the people who see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from trucyte.shared.access.consent.consent import Given
from trucyte.shared.access.consent.holders import NoticeState
from trucyte.shared.access.consent.moves import Event, Move, State, clocks, events_of
from trucyte.shared.access.consent.requests import Request
from trucyte.shared.access.consent.service import Standing
from trucyte.web.language import marked

CHANNELS: Final = {
    "web": marked("trên trang này"),
    "paper": marked("trên giấy"),
    "command": marked("bằng lệnh của nút"),
}
RELATIONS: Final = {
    "MTH": marked("mẹ"),
    "FTH": marked("cha"),
    "GUARD": marked("người giám hộ"),
    "CHILD": marked("con"),
    "SPS": marked("vợ hoặc chồng"),
    "SIB": marked("anh, chị, em"),
    "GRPRN": marked("ông, bà"),
    "GRNDCHILD": marked("cháu"),
    "EXT": marked("người thân khác"),
}
DECIDES: Final = {
    "guardian": marked("Dưới 7 tuổi: cha mẹ hoặc người giám hộ quyết."),
    "both": marked("Từ 7 tuổi: trẻ và người giám hộ cùng đồng ý."),
    "own": "",
}
STATES: Final[Mapping[State, tuple[str, str, str]]] = {
    State.RECEIVED: (marked("mới nhận"), "amber", "clock"),
    State.ACKNOWLEDGED: (marked("đã báo nhận"), "blue", "check"),
    State.IN_WORK: (marked("đang làm"), "blue", "half"),
    State.EXTENDED: (marked("đã gia hạn"), "amber", "clock"),
    State.ANSWERED: (marked("đã trả lời"), "green", "good"),
    State.REFUSED: (marked("bị từ chối"), "red", "stop"),
    State.DROPPED: (marked("người gửi đã rút"), "plain", "cross"),
}
EVENTS: Final[Mapping[str, str]] = {
    "receive": marked("Nhận yêu cầu"),
    Event.ACKNOWLEDGE: marked("Báo đã nhận"),
    Event.BEGIN: marked("Bắt đầu làm"),
    Event.EXTEND: marked("Gia hạn"),
    Event.ANSWER: marked("Trả lời"),
    Event.REFUSE: marked("Từ chối"),
    Event.DROP: marked("Người gửi rút lại"),
}
NOTICES: Final = {
    NoticeState.WAITING: (marked("chờ gửi"), "amber", "clock"),
    NoticeState.SENT: (marked("đã gửi"), "blue", "right"),
    NoticeState.CONFIRMED: (marked("đã xác nhận"), "green", "good"),
    NoticeState.UNREACHABLE: (marked("chưa liên lạc được"), "red", "alert"),
}
HOW: Final = {
    "paper": marked("gửi trên giấy"),
    "export": marked("xuất dữ liệu"),
    "read": marked("đọc hồ sơ"),
    "search": marked("tìm và thấy"),
}
OTHER_HOW: Final = marked("qua giao diện dữ liệu")


@dataclass(frozen=True, slots=True)
class PurposeLine:
    """One purpose as a person sees it."""

    id: str
    title: str
    words: str  # the exact text in force
    version: str
    article: str
    verified: bool
    needs_receiver: bool
    asks_again: bool
    holding: Sequence[Given]
    waiting: Sequence[Given]
    past: Sequence[Given]


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request with its clock."""

    request: Request
    kind: str
    state: tuple[str, str, str]
    due: date
    days_left: int
    is_overdue: bool
    is_open: bool


def purpose_line(standing: Standing, language: str) -> PurposeLine:
    """Return how a person stands to a purpose."""
    purpose, text = standing.purpose, standing.text
    shown = {one.id for one in (*standing.holding, *standing.waiting)}
    return PurposeLine(
        purpose.id, purpose.words[language], text.words[language], text.version, purpose.article,
        purpose.verified, purpose.receiver == "must", standing.asks_again, standing.holding,
        standing.waiting, [one for one in standing.consents if one.id not in shown],
    )  # fmt: skip


def request_line(request: Request, today: date, language: str) -> RequestLine:
    """Return a request with its clock as of today."""
    return RequestLine(
        request,
        clocks().kind(request.kind).words[language],
        STATES[request.state],
        request.due,
        request.days_left(today),
        request.is_overdue(today),
        request.ended_at is None,
    )


def kinds(language: str) -> Sequence[tuple[str, str, int]]:
    """Return what may be asked for: id, words, days."""
    return [(kind.id, kind.words[language], kind.days) for kind in clocks().kinds.values()]


def moves(request: Request, *, by_staff: bool) -> Sequence[Move]:
    """Return the moves that the table allows; dropping is for whom it is of."""
    found = events_of(request.state)
    return [move for move in found if (move.event is not Event.DROP) is by_staff]


def names(references: Sequence[str], name: Callable[[str], str]) -> dict[str, str]:
    """Return what to call references, each asked once."""
    return {reference: name(reference) for reference in dict.fromkeys(references) if reference}
