"""What findings beyond structure say: profiles, codes, extensions, bundles, answers.

The rules of `wording.py` hold here too: where, what, and how to mend it; a value that
was sent is never repeated.
"""

from trucyte.fhir.wording_entry import Wording

PROFILE_WORDINGS: dict[str, Wording] = {
    # --- profiles ---
    "profile-unknown": Wording(
        "{path}: không có định nghĩa của profile {profile} nên chưa kiểm theo profile đó. Hãy "
        "thêm gói chứa nó bằng “trucyte packages add”.",
        "{path}: the profile {profile} is not among the given definitions, so it was not checked. "
        "Add its package with “trucyte packages add”.",
    ),
    "profile-wanted-unknown": Wording(
        "{path}: không có định nghĩa của profile {profile} được yêu cầu. Hãy cho tệp định nghĩa "
        "hoặc gói chứa nó.",
        "{path}: the profile {profile} that was asked for is not among the given definitions. "
        "Give its file or package.",
    ),
    "profile-type": Wording(
        "{path}: profile {profile} dành cho {type}. Hãy chọn profile của đúng kiểu này.",
        "{path}: the profile {profile} is for {type}. Choose one for this type.",
    ),
    "profile-too-few": Wording(
        "{path}: {name} cần ít nhất {min} giá trị nhưng có {count}. Hãy bổ sung.",
        "{path}: {name} needs at least {min} values, there are {count}. Add what is missing.",
    ),
    "profile-too-many": Wording(
        "{path}: {name} được nhiều nhất {max} giá trị nhưng có {count}. Hãy bỏ bớt.",
        "{path}: {name} may have at most {max} values, there are {count}. Leave the others out.",
    ),
    "profile-type-not-allowed": Wording(
        "{path}: ở đây {name} không được là {type}. Hãy dùng một trong: {allowed}.",
        "{path}: {name} must not be a {type} here. Use one of: {allowed}.",
    ),
    "profile-fixed": Wording(
        "{path}: giá trị ở đây phải đúng bằng “{wanted}”. Hãy sửa lại.",
        "{path}: the value must be exactly “{wanted}” here. Correct it.",
    ),
    "profile-pattern": Wording(
        "{path}: giá trị phải chứa “{wanted}”. Hãy bổ sung phần còn thiếu.",
        "{path}: the value must contain “{wanted}”. Add what is missing.",
    ),
    "profile-text-too-long": Wording(
        "{path}: văn bản dài hơn {limit} ký tự. Hãy rút ngắn.",
        "{path}: the text is longer than {limit} characters. Shorten it.",
    ),
    "profile-below-minimum": Wording(
        "{path}: giá trị nhỏ hơn mức thấp nhất cho phép ({limit}). Hãy kiểm tra lại.",
        "{path}: the value is below the lowest allowed ({limit}). Check it.",
    ),
    "profile-above-maximum": Wording(
        "{path}: giá trị lớn hơn mức cao nhất cho phép ({limit}). Hãy kiểm tra lại.",
        "{path}: the value is above the highest allowed ({limit}). Check it.",
    ),
    "profile-no-slice": Wording(
        "{path}: không thuộc lát nào của {element} ({slices}), mà profile không cho thêm. Hãy sửa "
        "hoặc bỏ giá trị này.",
        "{path}: belongs to no slice of {element} ({slices}), and the profile allows no other. "
        "Correct it or leave it out.",
    ),
    "profile-two-slices": Wording(
        "{path}: thuộc nhiều lát cùng lúc ({slices}). Hãy sửa để chỉ thuộc một lát.",
        "{path}: belongs to several slices at once ({slices}). Change it to belong to one.",
    ),
    "profile-slice-order": Wording(
        "{path}: đứng sai thứ tự các lát. Hãy xếp lại theo thứ tự của profile.",
        "{path}: stands out of the order of the slices. Put them in the order of the profile.",
    ),
    "profile-slice-at-end": Wording(
        "{path}: giá trị thuộc lát phải đứng trước các giá trị khác. Hãy xếp lại.",
        "{path}: values of slices come before all others here. Put them first.",
    ),
    "profile-slice-too-few": Wording(
        "{path}: {slice} cần ít nhất {min} giá trị nhưng có {count}. Hãy bổ sung.",
        "{path}: {slice} needs at least {min} values, there are {count}. Add what is missing.",
    ),
    "profile-slice-too-many": Wording(
        "{path}: {slice} được nhiều nhất {max} giá trị nhưng có {count}. Hãy bỏ bớt.",
        "{path}: {slice} may have at most {max} values, there are {count}. Leave the others out.",
    ),
    "profile-none-fits": Wording(
        "{path}: không phù hợp với profile nào trong: {profiles}. Hãy sửa theo một trong số đó.",
        "{path}: fits none of the profiles {profiles}. Change it to fit one of them.",
    ),
    "profile-target": Wording(
        "{path}: tài nguyên được trỏ tới không phù hợp với {profiles}. Hãy trỏ tới tài nguyên khác "
        "hoặc sửa tài nguyên đó.",
        "{path}: what it points to fits none of {profiles}. Point elsewhere or correct the target.",
    ),
    "invariant": Wording(
        "{path}: trái quy tắc {key}: “{human}”. Hãy sửa để quy tắc này đúng.",
        "{path}: breaks the rule {key}: “{human}”. Change it so that the rule holds.",
    ),
    "invariant-not-evaluated": Wording(
        "{path}: chưa kiểm được quy tắc {key} (“{human}”). Hãy tự kiểm tra.",
        "{path}: the rule {key} (“{human}”) could not be evaluated. Check it yourself.",
    ),
    "check-too-costly": Wording(
        "{path}: dừng kiểm tra vì tốn quá nhiều công. Hãy chia nhỏ tài nguyên hoặc đơn giản hoá "
        "profile.",
        "{path}: the check was given up because it takes too much work. Divide the resource or "
        "simplify the profile.",
    ),
    # --- codes ---
    "binding-required": Wording(
        "{path}: mã không thuộc tập giá trị bắt buộc {value_set}. Hãy chọn mã trong tập đó.",
        "{path}: the code is not in the required value set {value_set}. Choose one of its codes.",
    ),
    "binding-extensible": Wording(
        "{path}: mã không thuộc tập giá trị {value_set}. Hãy dùng mã của tập đó nếu có mã cùng "
        "nghĩa.",
        "{path}: the code is not in the value set {value_set}. Use one of its codes if one of them "
        "means the same.",
    ),
    "binding-not-checked": Wording(
        "{path}: không có đủ dữ liệu để tra tập giá trị {value_set}. Hãy thêm gói chứa nó.",
        "{path}: the value set {value_set} cannot be looked up here. Add the package that has it.",
    ),
    "binding-no-code": Wording(
        "{path}: cần một mã của tập giá trị {value_set}. Hãy thêm “coding”.",
        "{path}: a code of the value set {value_set} is needed. Add a “coding”.",
    ),
    "code-unknown": Wording(
        "{path}: hệ mã {system} không có mã này. Hãy kiểm tra mã hoặc hệ mã.",
        "{path}: the code system {system} has no such code. Check the code or the system.",
    ),
    "display-differs": Wording(
        "{path}: tên hiển thị không phải tên của mã trong {system} ({allowed}). Hãy dùng tên đó.",
        "{path}: the display is not what {system} calls the code ({allowed}). Use its own name.",
    ),
    "coding-system-relative": Wording(
        "{path}: hệ mã phải là địa chỉ tuyệt đối (http://…, urn:…). Hãy ghi đầy đủ.",
        "{path}: a code system is an absolute address (http://…, urn:…). Write it in full.",
    ),
    "coding-system-value-set": Wording(
        "{path}: {system} là tập giá trị, không phải hệ mã. Hãy ghi hệ mã của mã này.",
        "{path}: {system} is a value set, not a code system. Give the system of the code.",
    ),
    "canonical-relative": Wording(
        "{path}: địa chỉ canonical nên là địa chỉ tuyệt đối. Hãy ghi đầy đủ.",
        "{path}: a canonical should be an absolute address. Write it in full.",
    ),
    # --- extensions ---
    "extension-unknown": Wording(
        "{path}: không có định nghĩa của extension {url}. Hãy thêm gói định nghĩa nó hoặc bỏ nó.",
        "{path}: the extension {url} is not defined here. Add the package that defines it, or "
        "leave it out.",
    ),
    "extension-context": Wording(
        "{path}: extension {url} không được đặt ở {here}; chỉ đặt ở: {allowed}. Hãy chuyển chỗ.",
        "{path}: the extension {url} must not stand at {here}, only at: {allowed}. Move it.",
    ),
    "extension-modifier": Wording(
        "{path}: extension {url} làm đổi nghĩa nên phải nằm trong modifierExtension. Hãy chuyển.",
        "{path}: the extension {url} changes the meaning, so it belongs in modifierExtension. "
        "Move it there.",
    ),
    "extension-not-modifier": Wording(
        "{path}: extension {url} không làm đổi nghĩa nên phải nằm trong extension. Hãy chuyển.",
        "{path}: the extension {url} does not change the meaning, so it belongs in extension. "
        "Move it there.",
    ),
    "extension-too-many": Wording(
        "{path}: extension {url} có {count} lần, theo định nghĩa chỉ được nhiều nhất {max} lần ở "
        "một phần tử. Hãy bỏ bớt.",
        "{path}: the extension {url} is there {count} times; by its definition one element may "
        "have it {max} times at most. Leave the others out.",
    ),
    "extension-part-unknown": Wording(
        "{path}: extension {url} không có phần tên “{name}” trong định nghĩa. Hãy sửa tên hoặc bỏ "
        "phần này.",
        "{path}: the definition of the extension {url} has no part “{name}”. Correct the name or "
        "leave the part out.",
    ),
    # --- bundles and links ---
    "full-url-relative": Wording(
        "{path}: fullUrl phải là địa chỉ tuyệt đối (http://…, urn:uuid:…). Hãy ghi đầy đủ.",
        "{path}: fullUrl is an absolute address (http://…, urn:uuid:…). Write it in full.",
    ),
    "bundle-reference-missing": Wording(
        "{path}: trong Bundle không có tài nguyên của tham chiếu {reference} (cùng kiểu và id: "
        "{alike}). Hãy thêm tài nguyên, hoặc sửa fullUrl cho khớp với tham chiếu.",
        "{path}: the bundle does not hold the target of {reference} (of the same type and id: "
        "{alike}). Add it, or make its fullUrl agree with the reference.",
    ),
    "bundle-reference-twice": Wording(
        "{path}: tham chiếu {reference} khớp với {count} tài nguyên trong Bundle. Hãy ghi rõ phiên "
        "bản hoặc bỏ bớt.",
        "{path}: the reference {reference} fits {count} resources of the bundle. Name the version "
        "or leave the others out.",
    ),
    "bundle-urn-missing": Wording(
        "{path}: trong Bundle không có mục nào mang fullUrl này. Hãy thêm mục đó hoặc sửa tham "
        "chiếu.",
        "{path}: no entry of the bundle has this fullUrl. Add it or correct the reference.",
    ),
    "search-result-id": Wording(
        "{path}: kết quả tìm kiếm phải có id. Hãy thêm id.",
        "{path}: a search result has an id. Add it.",
    ),
    "search-result-type": Wording(
        "{path}: {type} không phải kiểu được tìm ({allowed}). Hãy đặt search.mode là include hoặc "
        "bỏ tài nguyên này.",
        "{path}: {type} is not what was searched for ({allowed}). Set search.mode to include, or "
        "leave it out.",
    ),
    "search-result-outcome": Wording(
        "{path}: mục có mode “outcome” phải là OperationOutcome, không phải {type}. Hãy sửa mode.",
        "{path}: an entry with mode “outcome” is an OperationOutcome, not a {type}. Correct the "
        "mode.",
    ),
    "narrative-link": Wording(
        "{path}: có {count} liên kết “#…” không dẫn tới đâu. Hãy thêm đích hoặc bỏ liên kết.",
        "{path}: {count} links “#…” lead nowhere. Add their targets or remove the links.",
    ),
    # --- questionnaires ---
    "answer-link-id": Wording(
        "{path}: biểu mẫu không có câu hỏi với linkId này ở đây. Hãy kiểm tra linkId.",
        "{path}: the questionnaire has no question with this linkId here. Check the linkId.",
    ),
    "answer-missing": Wording(
        "{path}: thiếu câu trả lời bắt buộc cho câu “{question}”. Hãy trả lời.",
        "{path}: the required answer to “{question}” is missing. Answer it.",
    ),
    "answer-too-many": Wording(
        "{path}: câu “{question}” chỉ được trả lời một lần nhưng có {count}. Hãy giữ lại một.",
        "{path}: “{question}” is answered once, there are {count} answers. Keep one.",
    ),
    "answer-type": Wording(
        "{path}: câu trả lời không đúng kiểu “{type}” của câu hỏi. Hãy sửa kiểu giá trị.",
        "{path}: the answer is not of the question's type “{type}”. Change the type of the value.",
    ),
    "answer-option": Wording(
        "{path}: câu trả lời không nằm trong các lựa chọn. Hãy chọn một lựa chọn của biểu mẫu.",
        "{path}: the answer is not among the options. Choose one that the questionnaire offers.",
    ),
    "answer-disabled": Wording(
        "{path}: câu “{question}” không được hỏi trong trường hợp này. Hãy bỏ câu trả lời.",
        "{path}: “{question}” is not asked in this case. Leave the answer out.",
    ),
    "answer-order": Wording(
        "{path}: câu trả lời đứng sai thứ tự của biểu mẫu. Hãy xếp lại.",
        "{path}: the item stands out of the order of the questionnaire. Put it in order.",
    ),
    "answer-too-long": Wording(
        "{path}: câu trả lời dài hơn {limit} ký tự. Hãy rút ngắn.",
        "{path}: the answer is longer than {limit} characters. Shorten it.",
    ),
    "questionnaire-unknown": Wording(
        "{path}: không có biểu mẫu này nên chưa kiểm câu trả lời. Hãy cho tệp định nghĩa của nó.",
        "{path}: the questionnaire is not at hand, so the answers were not checked. Give its file.",
    ),
    "condition-question": Wording(
        "{path}: điều kiện phải hỏi một câu khác có trong biểu mẫu. Hãy sửa “question”.",
        "{path}: the condition asks for another question of the form. Correct “question”.",
    ),
    "condition-later": Wording(
        "{path}: điều kiện dựa vào một câu hỏi đứng sau. Hãy xếp câu đó lên trước.",
        "{path}: the condition rests on a question that comes later. Put that one first.",
    ),
    # --- definitions as resources ---
    "search-parameter-type": Wording(
        "{path}: tham số tìm kiếm này có kiểu {wanted}. Hãy sửa “type”.",
        "{path}: this search parameter has the type {wanted}. Correct “type”.",
    ),
    "search-parameter-derived": Wording(
        "{path}: “{name}” phải theo tham số gốc ({wanted}). Hãy sửa lại.",
        "{path}: “{name}” follows the parameter it is derived from ({wanted}). Correct it.",
    ),
    "path-invalid": Wording(
        "{path}: biểu thức FHIRPath không dùng được: {reason}. Hãy sửa biểu thức.",
        "{path}: the FHIRPath expression cannot be used: {reason}. Correct it.",
    ),
    "measure-score": Wording(
        "{path}: chỉ số kiểu {scoring} không có điểm. Hãy bỏ measureScore.",
        "{path}: a measure of the kind {scoring} has no score. Leave measureScore out.",
    ),
    "parameter-profile": Wording(
        "{path}: “{name}” của tham số khác với profile {profile}. Hãy sửa cho khớp.",
        "{path}: “{name}” of the parameter differs from the profile {profile}. Make them agree.",
    ),
    "expression-language": Wording(
        "{path}: ngôn ngữ của biểu thức ở đây phải là {wanted}. Hãy viết lại.",
        "{path}: the language of the expression is {wanted} here. Write it anew.",
    ),
    # --- refusals ---
    "not-a-definition": Wording(
        "Tệp không phải định nghĩa FHIR: {reason}. Hãy kiểm tra tệp.",
        "The file is no FHIR definition: {reason}. Check the file.",
    ),
    "profile-not-found": Wording(
        "Không có định nghĩa của profile {profile}. Hãy thêm gói chứa nó.",
        "The profile {profile} is not among the given definitions. Add its package.",
    ),
    "profile-cyclic": Wording(
        "Profile {profile} dựa trên chính nó. Hãy sửa baseDefinition.",
        "The profile {profile} rests on itself. Correct its baseDefinition.",
    ),
    "profile-base-unknown": Wording(
        "Profile {profile} dựa trên {base} nhưng không có định nghĩa đó. Hãy thêm gói chứa nó.",
        "The profile {profile} rests on {base}, which is not among the given definitions. Add its "
        "package.",
    ),
    "profile-unreadable": Wording(
        "Không đọc được định nghĩa của profile {profile}. Hãy sửa định nghĩa.",
        "The definition of the profile {profile} cannot be read. Correct it.",
    ),
    "profile-broken": Wording(
        "Profile {profile} ràng buộc {path}, phần tử mà gốc của nó không có. Hãy sửa đường dẫn.",
        "The profile {profile} constrains {path}, which its base does not have. Correct the path.",
    ),
    "profile-too-large": Wording(
        "Snapshot của profile {profile} vượt {size_max} phần tử. Hãy đơn giản hoá profile.",
        "The snapshot of the profile {profile} grows beyond {size_max} elements. Simplify it.",
    ),
}
