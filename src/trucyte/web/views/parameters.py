"""Search parameters that users posted, in words for the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.records.parameters.plan import State
from trucyte.records.parameters.progress import Progress
from trucyte.web.language import marked

STATES = {
    State.BUILDING: (marked("đang lập chỉ mục"), "amber", "clock"),
    State.READY: (marked("sẵn sàng"), "green", "good"),
    State.LEAVING: (marked("đang gỡ khỏi chỉ mục"), "plain", "clock"),
    State.STOPPED: (marked("đã tạm dừng"), "amber", "stop"),
}
BROKEN = (marked("phiên bản này không dùng được"), "red", "stop")
KINDS = {
    "token": marked("mã"),
    "reference": marked("tham chiếu"),
    "date": marked("ngày giờ"),
    "string": marked("chữ"),
    "number": marked("số"),
    "quantity": marked("số có đơn vị"),
    "uri": marked("địa chỉ"),
    "composite": marked("kết hợp"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One parameter on the page; words wait for their translation."""

    id: str
    code: str
    kind: str
    url: str
    bases: Sequence[str]
    state: tuple[str, str, str]  # word, tone, drawing
    percent: int
    done: int
    total: int
    rate: int
    is_under_way: bool
    can_stop: bool
    can_resume: bool


def lines_of(found: Sequence[Progress]) -> list[Line]:
    """Return the parameters as a person reads them."""
    return [_line(one) for one in found]


def _line(one: Progress) -> Line:
    return Line(
        id=one.id,
        code=one.code,
        kind=KINDS.get(one.type, one.type),
        url=one.url,
        bases=one.bases,
        state=BROKEN if one.is_broken else STATES[one.state],
        percent=one.percent,
        done=one.done,
        total=one.total,
        rate=one.rate,
        is_under_way=one.state in (State.BUILDING, State.LEAVING),
        can_stop=one.state is State.BUILDING,
        can_resume=one.state is State.STOPPED,
    )
