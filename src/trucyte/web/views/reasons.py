"""Why something could not be read, in the words of someone who must mend it."""

from trucyte.web.language import marked

# Why something lies in quarantine, by its stable code, and what to do. A code that is not
# here keeps its name on the page.
REASONS = {
    "file-empty": (
        marked("Tệp không có nội dung"),
        marked("Hãy xuất lại từ HIS rồi gửi lại cả tệp."),
    ),
    "content-unknown": (
        marked("Không phải tệp hồ sơ XML, tệp zip hay FHIR JSON"),
        marked("Hãy xem lại có chọn đúng tệp không."),
    ),
    "file-too-large": (marked("Tệp quá lớn"), marked("Hãy chia nhỏ tệp rồi gửi lại từng phần.")),
    "xml-truncated": (
        marked("Tệp bị cắt ngang"),
        marked("Hãy xuất lại từ HIS rồi gửi lại cả tệp."),
    ),
    "xml-malformed": (
        marked("XML viết sai cú pháp"),
        marked("Hãy xuất lại từ HIS rồi gửi lại cả tệp."),
    ),
    "xml-dtd": (
        marked("Tệp có khai báo DOCTYPE hoặc thực thể XML, không được phép"),
        marked("Hãy báo nhà cung cấp HIS bỏ phần khai báo DOCTYPE."),
    ),
    "xml-nesting": (
        marked("XML lồng nhau quá sâu"),
        marked("Hãy báo nhà cung cấp HIS: hồ sơ không đúng cấu trúc của quyết định."),
    ),
    "xml-root-unknown": (
        marked("Phần tử gốc không phải của hồ sơ bảo hiểm"),
        marked("Hãy xem lại có chọn đúng tệp không."),
    ),
    "envelope-too-large": (
        marked("Phần bao quanh các hồ sơ quá lớn"),
        marked("Hãy báo nhà cung cấp HIS: hồ sơ không đúng cấu trúc của quyết định."),
    ),
    "visit-too-large": (
        marked("Một hồ sơ quá lớn"),
        marked("Hãy báo nhà cung cấp HIS: hồ sơ không đúng cấu trúc của quyết định."),
    ),
    "encoding-wrong": (
        marked("Bảng mã chữ không phải UTF-8"),
        marked("Hãy đặt HIS xuất tệp theo Unicode (UTF-8) rồi gửi lại."),
    ),
    "encoding-legacy-font": (
        marked("Tên viết bằng bảng mã cũ (TCVN3 hoặc VNI)"),
        marked("Hãy đặt HIS xuất tệp theo Unicode (UTF-8) rồi gửi lại."),
    ),
    "base64-broken": (
        marked("Phần NOIDUNGFILE không giải mã được"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "hoso-empty": (
        marked("Hồ sơ không có bảng nào"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "table-unknown": (
        marked("Có phần không ghi là bảng nào (LOAIHOSO)"),
        marked("Hãy báo nhà cung cấp HIS: hồ sơ không đúng cấu trúc của quyết định."),
    ),
    "table-too-long": (
        marked("Một bảng có quá nhiều dòng"),
        marked("Hãy báo nhà cung cấp HIS: hồ sơ không đúng cấu trúc của quyết định."),
    ),
    "field-twice": (
        marked("Một trường ghi hai lần với hai giá trị khác nhau"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "xml1-missing": (
        marked("Hồ sơ thiếu bảng tổng hợp (XML1)"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "xml1-twice": (
        marked("Hồ sơ có hai bảng tổng hợp (XML1)"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "ma-lk-missing": (
        marked("Hồ sơ thiếu mã lượt khám (MA_LK)"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "ma-lk-differs": (
        marked("Mã lượt khám (MA_LK) không giống nhau giữa các bảng"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "ma-cskcb-missing": (
        marked("Hồ sơ thiếu mã cơ sở (MA_CSKCB)"),
        marked("Hãy xuất lại hồ sơ ấy từ HIS rồi gửi lại."),
    ),
    "zip-broken": (marked("Tệp zip hỏng"), marked("Hãy nén lại rồi gửi lại.")),
    "zip-encrypted": (
        marked("Tệp zip có mật khẩu"),
        marked("Hãy nén lại không đặt mật khẩu rồi gửi lại."),
    ),
    "zip-path-outside": (
        marked("Tệp zip chứa đường dẫn ra ngoài thư mục"),
        marked("Hãy nén lại từ một thư mục thường rồi gửi lại."),
    ),
    "zip-bomb": (
        marked("Tệp zip giải nén ra quá lớn"),
        marked("Hãy chia nhỏ tệp rồi gửi lại từng phần."),
    ),
    "zip-method-unknown": (
        marked("Tệp zip nén bằng cách chưa đọc được"),
        marked("Hãy nén lại bằng cách thường (Deflate) rồi gửi lại."),
    ),
    "zip-nested": (
        marked("Trong tệp zip lại có tệp zip"),
        marked("Hãy nén thẳng các tệp hồ sơ rồi gửi lại."),
    ),
    "json-malformed": (
        marked("JSON viết sai cú pháp"),
        marked("Hãy xuất lại từ HIS rồi gửi lại cả tệp."),
    ),
    "json-refused": (
        marked("JSON bị từ chối ở cửa"),
        marked("Hãy xuất lại từ HIS rồi gửi lại cả tệp."),
    ),
    "fhir-unknown": (
        marked("JSON không phải tài nguyên FHIR"),
        marked("Hãy xuất lại từ HIS rồi gửi lại cả tệp."),
    ),
    "fhir-invalid": (
        marked("Tài nguyên FHIR không đúng chuẩn R4"),
        marked("Hãy sửa chỗ được nêu rồi gửi lại."),
    ),
    "reference-unresolved": (
        marked("Có tham chiếu không tìm được đích"),
        marked("Hãy gửi kèm tài nguyên được tham chiếu."),
    ),
    "mapping-invalid": (
        marked("Phần chuyển sang FHIR chưa đúng"),
        marked(
            "Lỗi này ở phía chúng tôi. Hồ sơ được giữ nguyên; xin báo cho người phụ trách máy chủ."
        ),
    ),
    "mapping-failed": (
        marked("Phần chuyển sang FHIR bị dừng"),
        marked(
            "Lỗi này ở phía chúng tôi. Hồ sơ được giữ nguyên; xin báo cho người phụ trách máy chủ."
        ),
    ),
    "fhir-unsupported": (
        marked("Gói FHIR đòi việc mà cửa này chưa làm"),
        marked("Hãy gửi gói transaction, batch hoặc collection."),
    ),
    "fhir-entry-twice": (
        marked("Gói FHIR chứa hai lần cùng một tài nguyên"),
        marked("Hãy bỏ bớt một lần rồi gửi lại."),
    ),
    "contested": (
        marked("Hồ sơ bị sửa liên tục trong lúc nhận"),
        marked("Hãy chạy lại phần này bằng lệnh trucyte quarantine retry."),
    ),
}
UNKNOWN_REASON = (
    marked("Không đọc được"),
    marked("Tệp gốc được giữ nguyên. Hãy xuất lại từ HIS rồi gửi lại, hoặc báo nhà cung cấp HIS."),
)
