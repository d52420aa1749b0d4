"""When something is not as it should be: say what happened and what to do next."""

from dataclasses import dataclass

from starlette.responses import Response

from trucyte.base.problem import Kind, Problem
from trucyte.web.language import marked
from trucyte.web.render import Call


@dataclass(frozen=True, slots=True)
class Sorry:
    """The words of one kind of trouble."""

    status: int
    title: str
    what: str
    next: str


NOT_FOUND = Sorry(
    404,
    marked("Không có trang này"),
    marked("Địa chỉ có thể gõ thiếu, hoặc thứ bạn tìm không nằm ở nút này."),
    marked("Hãy tìm theo tên người bệnh, hoặc quay về trang đầu."),
)
RESTRICTED = Sorry(
    403,
    marked("Nội dung này hạn chế"),
    marked("Hồ sơ thuộc nhóm nhạy cảm, nên chỉ người được phép mới đọc được."),
    marked("Nếu bạn cần đọc để điều trị, hãy hỏi người quản lý quyền của cơ sở."),
)
AWAY = Sorry(
    503,
    marked("Cơ sở dữ liệu chưa trả lời"),
    marked("Không có gì bị mất: những gì đã nhận vẫn nằm trong sổ."),
    marked("Hãy thử lại sau ít phút. Nếu vẫn vậy, hãy báo người phụ trách máy chủ."),
)
BROKEN = Sorry(
    500,
    marked("Có lỗi ở phía chúng tôi"),
    marked("Trang này không hiện được vì một lỗi của chương trình. Dữ liệu không bị ảnh hưởng."),
    marked("Hãy thử lại. Khi báo lỗi, xin kèm mã số dưới đây."),
)
OF_STATUS = {
    400: Sorry(
        400,
        marked("Không đọc được yêu cầu"),
        marked("Biểu mẫu gửi lên không đúng dạng."),
        marked("Hãy quay lại trang trước và gửi lại."),
    ),
    401: Sorry(
        401,
        marked("Cần đăng nhập"),
        marked("Nút này cần biết bạn là ai trước khi mở trang."),
        marked("Hãy đăng nhập rồi mở lại trang."),
    ),
    403: RESTRICTED,
    404: NOT_FOUND,
    405: Sorry(
        405,
        marked("Trang này không nhận thao tác ấy"),
        marked("Có thể bạn mở lại một trang vốn chỉ để gửi biểu mẫu."),
        marked("Hãy quay về trang đầu và đi lại từ đó."),
    ),
    409: Sorry(
        409,
        marked("Hồ sơ vừa thay đổi"),
        marked("Có người sửa hồ sơ này sau khi bạn mở nó."),
        marked("Hãy tải lại trang, xem bản mới rồi quyết định."),
    ),
    410: Sorry(
        410,
        marked("Hồ sơ đã kết thúc"),
        marked("Hồ sơ từng có ở đây và đã được ghi là không còn hiệu lực."),
        marked("Các phiên bản trước vẫn nằm trong sổ."),
    ),
    413: Sorry(
        413,
        marked("Tệp quá lớn"),
        marked("Tệp vượt mức mà nút này nhận trong một lần gửi."),
        marked("Hãy chia nhỏ tệp, hoặc nạp bằng lệnh trucyte ingest trên máy chủ."),
    ),
    500: BROKEN,
    501: Sorry(
        501,
        marked("Nút này chưa làm được việc ấy"),
        marked("Yêu cầu đúng dạng, nhưng chương trình chưa có chức năng này."),
        marked("Hãy quay về trang đầu."),
    ),
    503: AWAY,
    507: Sorry(
        507,
        marked("Ổ đĩa đã đầy"),
        marked("Không ghi thêm được. Những gì đã nhận vẫn còn nguyên."),
        marked("Hãy dọn chỗ trên ổ đĩa rồi gửi lại; tệp gửi lại sẽ tiếp từ chỗ dừng."),
    ),
}
OF_CODE = {
    "role-missing": Sorry(
        403,
        marked("Vai trò của bạn không mở trang này"),
        marked("Trang này dành cho công việc khác trong cơ sở."),
        marked("Nếu việc của bạn cần trang này, hãy hỏi người quản trị tài khoản."),
    ),
    "form-stale": Sorry(
        403,
        marked("Chưa nhận biểu mẫu này"),
        marked("Biểu mẫu không thuộc phiên đang mở, hoặc trình duyệt chặn cookie."),
        marked("Hãy tải lại trang có biểu mẫu rồi gửi lại từ đó."),
    ),
}
STATUS_OF_KIND = {
    Kind.BAD_INPUT: 400,
    Kind.INVALID: 400,
    Kind.NOT_FOUND: 404,
    Kind.GONE: 410,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION: 409,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 501,
    Kind.UNAVAILABLE: 503,
    Kind.NO_SPACE: 507,
}


def page_of(call: Call, problem: Problem) -> Response:
    """Answer a Problem by its kind; its code is shown for those who must look it up."""
    return plain(call, STATUS_OF_KIND[problem.kind], code=problem.code)


def plain(call: Call, status: int, *, code: str = "", reference: str = "") -> Response:
    """Answer with the page of a status; one we have no words for is ours to mend."""
    sorry = OF_CODE.get(code) or OF_STATUS.get(status, BROKEN)
    return call.page(
        "error.html", http_status=sorry.status, sorry=sorry, code=code, reference=reference
    )
