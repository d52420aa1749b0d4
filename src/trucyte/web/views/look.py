"""Entries of the trail in the words of the person they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trucyte.shared.audit import Entry, Outcome
from trucyte.web.language import marked

DEEDS = {
    "page": marked("Mở một trang"),
    "read": marked("Đọc một hồ sơ"),
    "vread": marked("Đọc một bản cũ"),
    "history": marked("Xem các bản cũ"),
    "search": marked("Tìm và thấy"),
    "count": marked("Đếm"),
    "timeline": marked("Xem diễn biến"),
    "create": marked("Ghi thêm"),
    "update": marked("Sửa"),
    "patch": marked("Sửa"),
    "delete": marked("Xóa"),
    "export": marked("Xuất dữ liệu"),
    "receive": marked("Nhận tệp"),
}
OTHER_DEED = marked("Việc khác")
PURPOSES = {
    "TREAT": marked("khám, chữa bệnh"),
    "ETREAT": marked("cấp cứu"),
    "HOPERAT": marked("điều hành cơ sở"),
    "HPAYMT": marked("thanh toán"),
    "PUBHLTH": marked("y tế công cộng"),
    "HRESCH": marked("nghiên cứu"),
    "PATRQT": marked("theo yêu cầu của người bệnh"),
    "SYSADMIN": marked("quản trị hệ thống"),
}
OTHER_PURPOSE = marked("mục đích khác")
KINDS = {
    "AuditEvent": marked("nhật ký truy cập"),
    "Encounter": marked("lượt khám"),
    "Observation": marked("kết quả"),
    "Patient": marked("thông tin người bệnh"),
}
# Callers that are doors of this machine, until people have accounts.
DOORS = {
    "pages": marked("Người dùng trang web của nút này"),
    "fhir": marked("Phần mềm qua giao diện FHIR"),
}
ENDS = {
    Outcome.REFUSED: (marked("bị từ chối"), "amber", "stop"),
    Outcome.ERROR: (marked("không xong"), "plain", "info"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One time somebody looked; words wait for their translation."""

    id: str
    at: datetime
    who: str
    is_door: bool  # `who` is one of `DOORS`, and wants translating
    organisation: str  # code of a facility, "" for this node
    deed: str
    kind: str  # words for a resource type, or the type itself
    purpose: str
    resources: int
    end: tuple[str, str, str] | None  # word, tone and drawing where it did not succeed


def looks_of(entries: Sequence[Entry]) -> list[Look]:
    """Return entries as a person reads them."""
    return [_look(entry) for entry in entries]


def _look(entry: Entry) -> Look:
    deed = entry.deed
    return Look(
        id=entry.id,
        at=entry.at,
        who=DOORS.get(deed.caller, deed.caller),
        is_door=deed.caller in DOORS,
        organisation=deed.organisation.rpartition("/")[2],
        deed=DEEDS.get(deed.interaction, OTHER_DEED),
        kind=KINDS.get(deed.type, deed.type),
        purpose=PURPOSES.get(deed.purpose, OTHER_PURPOSE),
        resources=deed.resources,
        end=ENDS.get(deed.outcome),
    )
