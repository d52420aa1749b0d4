"""What scopes mean, in words that whoever is asked understands."""

from dataclasses import dataclass
from typing import Final

from trucyte.shared.access.oauth.scopes import Scope, read_scope
from trucyte.web.language import marked
from trucyte.web.render import Call

# What types of resources are, in the words of a hospital; others show their name.
TYPES: Final = {
    "*": marked("mọi phần của hồ sơ"),
    "AllergyIntolerance": marked("dị ứng"),
    "Appointment": marked("lịch hẹn"),
    "CarePlan": marked("kế hoạch chăm sóc"),
    "Claim": marked("hồ sơ thanh toán bảo hiểm"),
    "Condition": marked("chẩn đoán và bệnh"),
    "Consent": marked("các đồng ý đã cho"),
    "Coverage": marked("thẻ bảo hiểm"),
    "DiagnosticReport": marked("kết quả xét nghiệm và hình ảnh"),
    "DocumentReference": marked("giấy tờ đính kèm"),
    "Encounter": marked("các lần khám, nằm viện"),
    "Immunization": marked("tiêm chủng"),
    "MedicationDispense": marked("thuốc đã cấp"),
    "MedicationRequest": marked("đơn thuốc"),
    "MedicationStatement": marked("thuốc đang dùng"),
    "Observation": marked("chỉ số và kết quả đo"),
    "Organization": marked("cơ sở y tế"),
    "Patient": marked("họ tên, ngày sinh, địa chỉ, số giấy tờ"),
    "Practitioner": marked("người hành nghề"),
    "Procedure": marked("thủ thuật, phẫu thuật"),
    "ServiceRequest": marked("chỉ định"),
}
_DEEDS: Final = (
    ("r", marked("đọc")),
    ("s", marked("tìm")),
    ("c", marked("ghi thêm")),
    ("u", marked("sửa")),
    ("d", marked("xóa")),
)
_WHOSE: Final = {
    "patient": marked("của một người"),
    "user": marked("của mọi người mà bạn được xem"),
}
_PLAIN: Final = {
    "offline_access": marked("Giữ quyền này 30 ngày, cả khi bạn đã đăng xuất"),
    "online_access": marked("Giữ quyền này trong phiên làm việc của bạn"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is asked for."""

    scope: str  # as the form sends it
    words: str
    narrow: str = ""  # what it is narrowed to
    is_write: bool = False


def line_of(call: Call, word: str) -> Line:
    """Return what a scope means, in the language of a call."""
    scope = read_scope(word)
    if scope is None:
        return Line(word, call.text(_PLAIN[word]) if word in _PLAIN else word)
    deeds = ", ".join(call.text(said) for letter, said in _DEEDS if letter in scope.letters)
    what = call.text(TYPES[scope.type]) if scope.type in TYPES else scope.type
    whose = call.text(_WHOSE[scope.context])
    words = f"{deeds[:1].upper()}{deeds[1:]}: {what} ({whose})"
    return Line(word, words, _narrow(scope), bool(set(scope.letters) & set("cud")))


def _narrow(scope: Scope) -> str:
    return ", ".join(f"{name} = {value}" for name, value in scope.query)
