"""What each finding says, in Vietnamese and English: where, what, and how to mend it.

One entry for each `message_id` of an Issue and each code of a Problem of this package.
`{path}` is the place; other names in braces are facts of the finding. A value that was
sent is never repeated: it may be a person's.
"""

from trucyte.fhir.wording_entry import Wording
from trucyte.fhir.wording_profiles import PROFILE_WORDINGS

LANGUAGES = ("vi", "en")


WORDINGS: dict[str, Wording] = {
    # --- structure ---
    "not-an-object": Wording(
        "{path}: phải là một đối tượng JSON {{…}}. Hãy đặt các phần tử con vào trong ngoặc nhọn.",
        "{path}: must be a JSON object {{…}}. Put its elements between braces.",
    ),
    "not-an-array": Wording(
        "{path}: phần tử này lặp lại được nên phải là mảng [ … ], kể cả khi chỉ có một giá trị.",
        "{path}: this element may repeat, so it is an array [ … ] even for one value.",
    ),
    "empty-object": Wording(
        "{path}: đối tượng rỗng. Hãy điền nội dung hoặc bỏ hẳn phần tử này.",
        "{path}: the object is empty. Fill it or leave the element out.",
    ),
    "empty-array": Wording(
        "{path}: mảng rỗng. Hãy thêm giá trị hoặc bỏ hẳn phần tử này.",
        "{path}: the array is empty. Add a value or leave the element out.",
    ),
    "null-value": Wording(
        "{path}: không được là null. Hãy bỏ phần tử này; trong mảng, null chỉ được dùng khi mảng "
        "có dấu gạch dưới đi kèm có nội dung ở cùng vị trí.",
        "{path}: must not be null. Leave the element out; inside an array, null is allowed only "
        "where the array with the underscore has content at the same place.",
    ),
    "sibling-length": Wording(
        "{path}: mảng “_{name}” phải dài bằng mảng “{name}”. Hãy thêm null vào chỗ không có gì.",
        "{path}: the array “_{name}” must be as long as “{name}”. Fill the gaps with null.",
    ),
    "unknown-element": Wording(
        "{path}: R4 không có phần tử “{name}” ở đây. Hãy kiểm tra chính tả, chữ hoa chữ thường, "
        "hoặc chuyển nội dung vào một extension.",
        "{path}: R4 has no element “{name}” here. Check spelling and case, or move the content "
        "to an extension.",
    ),
    "missing-element": Wording(
        "{path}: thiếu phần tử bắt buộc “{name}”. Hãy điền giá trị; nếu không biết, hãy dùng "
        "extension data-absent-reason.",
        "{path}: the required element “{name}” is missing. Fill it in; if it is not known, say so "
        "with the extension data-absent-reason.",
    ),
    "not-single": Wording(
        "{path}: phần tử này chỉ có một giá trị, không phải mảng. Hãy giữ một giá trị và bỏ ngoặc "
        "vuông.",
        "{path}: this element has one value, not an array. Keep one value and drop the brackets.",
    ),
    "two-choices": Wording(
        "{path}: “{name}” chỉ được có một kiểu giá trị nhưng đang có: {given}. Hãy giữ lại một.",
        "{path}: “{name}” may have one type of value only, but there are: {given}. Keep one.",
    ),
    # --- values ---
    "wrong-json-type": Wording(
        "{path}: kiểu {type} phải viết dưới dạng JSON {wanted}. Hãy sửa cách viết, chẳng hạn thêm "
        "hoặc bỏ dấu ngoặc kép.",
        "{path}: a {type} is written as JSON {wanted}. Correct the notation, for instance add or "
        "remove the quotes.",
    ),
    "wrong-form": Wording(
        "{path}: giá trị không đúng dạng của kiểu {type}. Hãy viết lại theo R4, ví dụ ngày "
        "2026-11-22, thời điểm 2026-11-22T09:12:00+07:00.",
        "{path}: the value does not have the form of a {type}. Write it as R4 says, for instance "
        "a date 2026-11-22, a time 2026-11-22T09:12:00+07:00.",
    ),
    "empty-text": Wording(
        "{path}: chuỗi rỗng. Hãy điền nội dung hoặc bỏ hẳn phần tử này.",
        "{path}: the text is empty. Fill it in or leave the element out.",
    ),
    "control-character": Wording(
        "{path}: chuỗi có ký tự điều khiển. Chỉ được dùng tab và xuống dòng; hãy xóa ký tự lạ.",
        "{path}: the text holds a control character. Only tabs and line ends are allowed; remove "
        "the others.",
    ),
    "text-too-long": Wording(
        "{path}: chuỗi dài quá {limit} ký tự. Hãy chuyển nội dung dài vào Binary hoặc Attachment.",
        "{path}: the text is longer than {limit} characters. Move long content to a Binary or an "
        "Attachment.",
    ),
    "code-not-allowed": Wording(
        "{path}: mã không thuộc bộ mã bắt buộc {value_set}. Hãy dùng một trong: {allowed}.",
        "{path}: the code is not in the required value set {value_set}. Use one of: {allowed}.",
    ),
    "concept-not-allowed": Wording(
        "{path}: không có coding nào thuộc bộ mã bắt buộc {value_set}. Hãy thêm một coding có "
        "system {system} và mã trong bộ đó.",
        "{path}: no coding is in the required value set {value_set}. Add a coding with the system "
        "{system} and a code of that set.",
    ),
    # --- resources and links ---
    "no-resource-type": Wording(
        "{path}: thiếu “resourceType”. Hãy ghi loại tài nguyên, ví dụ “Patient”.",
        "{path}: “resourceType” is missing. Say what the resource is, for instance “Patient”.",
    ),
    "unknown-resource-type": Wording(
        "{path}: R4 không có loại tài nguyên “{type}”. Hãy kiểm tra chính tả, chữ hoa chữ thường.",
        "{path}: R4 has no resource type “{type}”. Check spelling and case.",
    ),
    "nested-contained": Wording(
        "{path}: tài nguyên trong “contained” không được chứa “contained” nữa. Hãy đưa nó ra cấp "
        "ngoài cùng.",
        "{path}: a contained resource must not contain others. Move them to the outermost level.",
    ),
    "reference-form": Wording(
        "{path}: tham chiếu không đúng dạng. Hãy viết Loại/id, URL đầy đủ, urn:uuid:…, urn:oid:… "
        "hoặc #id.",
        "{path}: the reference has no known form. Write Type/id, a full URL, urn:uuid:…, "
        "urn:oid:… or #id.",
    ),
    "reference-urn": Wording(
        "{path}: urn:uuid hoặc urn:oid viết sai nên không trỏ tới đâu cả. Hãy chép đúng fullUrl.",
        "{path}: the urn:uuid or urn:oid is malformed, so it can point nowhere. Copy the fullUrl.",
    ),
    "full-url-id": Wording(
        "{path}: fullUrl kết thúc bằng một id khác với id của tài nguyên. Hãy sửa cho hai bên "
        "giống nhau hoặc dùng urn:uuid:….",
        "{path}: the fullUrl ends with another id than the resource has. Make them agree or use "
        "urn:uuid:….",
    ),
    "reference-unknown-type": Wording(
        "{path}: tham chiếu tới loại tài nguyên không có trong R4: “{type}”. Hãy viết lại đúng "
        "tên loại.",
        "{path}: the reference points to a type that R4 does not have: “{type}”. Correct the type.",
    ),
    "reference-target": Wording(
        "{path}: không được trỏ tới {type} ở đây. Hãy trỏ tới một trong: {allowed}.",
        "{path}: may not point to a {type} here. Point to one of: {allowed}.",
    ),
    "reference-fragment": Wording(
        "{path}: không có tài nguyên nào trong “contained” mang id mà tham chiếu #… này trỏ tới. "
        "Hãy thêm tài nguyên đó hoặc sửa tham chiếu.",
        "{path}: no contained resource has the id this #… reference names. Add that resource or "
        "correct the reference.",
    ),
    "extension-content": Wording(
        "{path}: extension phải có đúng một trong hai: value[x] hoặc các extension con. Hãy bỏ "
        "một hoặc thêm một.",
        "{path}: an extension has either a value[x] or extensions of its own. Remove one or add "
        "one.",
    ),
    "comparator-not-allowed": Wording(
        "{path}: không được có “comparator” ở đây. Hãy bỏ nó hoặc dùng Range.",
        "{path}: there may be no “comparator” here. Remove it or use a Range.",
    ),
    # --- narrative ---
    "narrative-root": Wording(
        "{path}: phần thuyết minh phải là một thẻ <div xmlns=“http://www.w3.org/1999/xhtml”>. "
        "Hãy bọc nội dung trong thẻ đó.",
        "{path}: a narrative is one <div xmlns=“http://www.w3.org/1999/xhtml”>. Wrap the content "
        "in it.",
    ),
    "narrative-xml": Wording(
        "{path}: XHTML viết sai (thẻ chưa đóng, ký tự & hoặc < để trần, hoặc có khai báo). Hãy "
        "sửa cho đúng XML.",
        "{path}: the XHTML is not well-formed (a tag left open, a bare & or <, a declaration). "
        "Correct the XML.",
    ),
    "narrative-element": Wording(
        "{path}: XHTML không được có “{name}” ở dạng này. Chỉ giữ các thẻ và thuộc tính định dạng; "
        "hãy bỏ mã lệnh, biểu mẫu, sự kiện.",
        "{path}: XHTML may not hold “{name}” like this. Keep formatting only; remove scripts, "
        "forms and events.",
    ),
    "narrative-empty": Wording(
        "{path}: phần thuyết minh không có chữ hay hình nào. Hãy viết nội dung hoặc bỏ “text”.",
        "{path}: the narrative has no text and no image. Write something or leave “text” out.",
    ),
    # --- limits ---
    "too-deep": Wording(
        "{path}: các phần tử lồng nhau quá sâu. Hãy làm phẳng cấu trúc.",
        "{path}: the elements nest too deeply. Flatten the structure.",
    ),
    "more-issues": Wording(
        "{path}: có hơn {count} lỗi, phần còn lại không liệt kê. Hãy sửa các lỗi trên rồi gửi lại.",
        "{path}: there are more than {count} findings; the others are not listed. Mend these and "
        "send it again.",
    ),
    "no-issues": Wording("Không có lỗi.", "No fault was found."),
    # --- the door ---
    "json-too-large": Wording(
        "Nội dung dài {size} byte, tối đa {size_max}. Hãy chia nhỏ rồi gửi từng phần.",
        "The content has {size} bytes, at most {size_max}. Send it in parts.",
    ),
    "json-not-utf8": Wording(
        "Byte {offset} không phải UTF-8. Hãy lưu tệp với mã hóa UTF-8.",
        "Byte {offset} is not UTF-8. Save the text as UTF-8.",
    ),
    "json-lone-surrogate": Wording(
        "Ký tự thoát \\uD800–\\uDFFF ở byte {offset} không đi thành cặp. Hãy ghi thẳng ký tự "
        "UTF-8.",
        "The escape \\uD800–\\uDFFF at byte {offset} is half of a pair. Write the character itself "
        "in UTF-8.",
    ),
    "json-nul": Wording(
        "Có ký tự NUL ở byte {offset}. Hãy xóa nó.",
        "There is a NUL character at byte {offset}. Remove it.",
    ),
    "json-malformed": Wording(
        "JSON viết sai ở byte {offset}. Hãy kiểm tra dấu phẩy, dấu ngoặc và phần thừa ở cuối.",
        "The JSON is malformed at byte {offset}. Check commas, brackets and what trails the end.",
    ),
    "json-number": Wording(
        "Số ở byte {offset} quá dài. Hãy viết ngắn lại.",
        "The number at byte {offset} is too long. Shorten it.",
    ),
    "json-too-deep": Wording(
        "JSON lồng nhau quá {depth_max} tầng ở byte {offset}. Hãy làm phẳng cấu trúc.",
        "The JSON nests deeper than {depth_max} levels at byte {offset}. Flatten it.",
    ),
    "json-not-object": Wording(
        "Byte {offset}: cần một đối tượng JSON {{…}} ở đây.",
        "Byte {offset}: a JSON object {{…}} is needed here.",
    ),
    "json-duplicate-key": Wording(
        "Thuộc tính ở byte {offset} đã có trong cùng đối tượng. Hãy giữ lại một.",
        "The property at byte {offset} is already in the same object. Keep one.",
    ),
    "json-no-resource-type": Wording(
        "Thiếu “resourceType”. Hãy ghi loại tài nguyên, ví dụ “Patient”.",
        "“resourceType” is missing. Say what the resource is, for instance “Patient”.",
    ),
    "ndjson-line-too-long": Wording(
        "Dòng {line} dài quá {size_max} byte. Hãy kiểm tra dấu xuống dòng giữa các tài nguyên.",
        "Line {line} is longer than {size_max} bytes. Check the line ends between resources.",
    ),
    "definitions-format": Wording(
        "Bộ định nghĩa FHIR đã biên dịch thuộc phiên bản khác. Hãy chạy lại bước cài đặt.",
        "The compiled FHIR definitions are of another version. Run the set-up again.",
    ),
    "not-a-package": Wording(
        "Tệp không phải gói FHIR ({reason}). Hãy tải lại gói .tgz gốc.",
        "The file is no FHIR package ({reason}). Get the original .tgz again.",
    ),
    **PROFILE_WORDINGS,
}


def worded(message_id: str, language: str, path: str, facts: dict[str, str | int]) -> str:
    """Return one message, filled; the id itself where the catalogue has none."""
    wording = WORDINGS.get(message_id)
    if wording is None:
        return f"{path}: {message_id}" if path else message_id
    return wording.text(language).format_map({**facts, "path": path})
