"""Words of accounts: roles, states, and what each field of one takes."""

from trucyte.shared.access.staff.account import State
from trucyte.web.language import marked

ROLES = {
    "doctor": marked("Bác sĩ"),
    "nurse": marked("Điều dưỡng"),
    "pharmacist": marked("Dược sĩ"),
    "technician": marked("Kỹ thuật viên"),
    "registrar": marked("Tiếp đón"),
    "cashier": marked("Thu ngân"),
    "clerk": marked("Lưu trữ hồ sơ"),
    "epidemiologist": marked("Dịch tễ"),
    "statistician": marked("Thống kê"),
    "security_officer": marked("An toàn thông tin"),
    "auditor": marked("Kiểm soát"),
    "administrator": marked("Quản trị tài khoản"),
}

# word, tone, drawing
STATES = {
    State.INVITED: (marked("chờ nhận"), "plain", "clock"),
    State.ACTIVE: (marked("đang dùng"), "green", "good"),
    State.LOCKED: (marked("tạm ngừng, lâu không dùng"), "amber", "lock"),
    State.ENDED: (marked("đã kết thúc"), "plain", "cross"),
}

FIELDS = {
    "name": marked(
        "Tên đăng nhập gồm 2 đến 32 chữ cái thường không dấu, số, dấu chấm, gạch nối; "
        "bắt đầu bằng chữ cái. Ví dụ: bs.khoanoi2."
    ),
    "display": marked("Hãy ghi tên hiển thị, nhiều nhất 80 chữ."),
    "roles": marked("Hãy chọn ít nhất một vai trò."),
    "organisation": marked("Cơ sở ghi dạng Organization/mã, hoặc để trống."),
    "wards": marked("Khoa phòng ghi dạng Location/mã, cách nhau bằng dấu cách."),
    "practitioner": marked("Người hành nghề ghi dạng Practitioner/mã, hoặc để trống."),
}
