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
    "batch": marked("Nhiều việc trong một lần gửi"),
    "transaction": marked("Ghi nhiều hồ sơ cùng lúc"),
    "login": marked("Đăng nhập"),
    "$everything": marked("Xem toàn bộ hồ sơ"),
    "$summary": marked("Xem tóm tắt hồ sơ"),
    "$document": marked("Lập tài liệu"),
    "$meta": marked("Xem nhãn của hồ sơ"),
    "$meta-add": marked("Gắn nhãn hồ sơ"),
    "$meta-delete": marked("Gỡ nhãn hồ sơ"),
    "$validate": marked("Kiểm tra hồ sơ có hợp lệ không"),
    "$graphql": marked("Đọc và tìm bằng GraphQL"),
    "$export": marked("Yêu cầu xuất dữ liệu"),
    "$export-status": marked("Hỏi tiến độ xuất dữ liệu"),
    "$export-file": marked("Tải tệp đã xuất"),
    "$import": marked("Yêu cầu nhập dữ liệu"),
    "$import-status": marked("Hỏi tiến độ nhập dữ liệu"),
    "$import-file": marked("Tải tệp báo lỗi nhập"),
    "$run": marked("Lập bảng số liệu"),
    "$viewdefinition-run": marked("Lập bảng số liệu"),
    "$status": marked("Hỏi tình trạng đăng ký nhận tin"),
    "$events": marked("Xem lại tin đã báo"),
    "$secret": marked("Lấy khóa ký của đăng ký nhận tin"),
    "$match": marked("Tìm xem người này là ai"),
    "$ihe-pix": marked("Hỏi các số của một người"),
    "$links": marked("Xem các hồ sơ được ghép"),
    "$merge": marked("Ghép hai hồ sơ của một người"),
    "$unmerge": marked("Tách hai hồ sơ đã ghép"),
    "$standing": marked("Hỏi hiệu lực hành nghề"),
    "$successors": marked("Hỏi đơn vị kế thừa"),
    "$get-ws-binding-token": marked("Xin mở đường nhận tin"),
    "$reindex": marked("Lập chỉ mục lại"),
    "$reindex-status": marked("Hỏi tiến độ lập chỉ mục"),
    "$reindex-stop": marked("Dừng lập chỉ mục"),
    "$reindex-resume": marked("Tiếp tục lập chỉ mục"),
    "$lookup": marked("Tra một mã"),
    "$validate-code": marked("Kiểm tra một mã"),
    "$subsumes": marked("So hai mã"),
    "$expand": marked("Xem danh sách mã"),
    "$translate": marked("Chuyển mã"),
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
