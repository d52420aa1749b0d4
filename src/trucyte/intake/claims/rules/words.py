"""Findings in the words of someone who must mend them, in Vietnamese and English.

A line names the table, the row as the sender counts it, what is wrong and how to mend it;
amounts are written as people read them in the language.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.rules.book import LIST_PREFIX
from trucyte.intake.claims.rules.case import amount
from trucyte.intake.claims.rules.rule import Rule

ROW_NAMES = {
    "vi": {
        "XML2": "Dòng thuốc",
        "XML3": "Dòng dịch vụ, vật tư",
        "XML4": "Dòng kết quả",
        "XML5": "Dòng diễn biến",
    },
    "en": {"XML2": "Drug line", "XML3": "Service line", "XML4": "Result line", "XML5": "Note"},
}
TABLE_NAMES = {
    "vi": {
        "XML0": "Trạng thái KCB",
        "XML1": "Tổng hợp",
        "XML6": "Hồ sơ chăm sóc",
        "XML7": "Giấy ra viện",
        "XML8": "Tóm tắt hồ sơ bệnh án",
        "XML9": "Giấy chứng sinh",
        "XML10": "Giấy nghỉ dưỡng thai",
        "XML11": "Giấy nghỉ hưởng BHXH",
        "XML12": "Giám định y khoa",
        "XML13": "Giấy chuyển tuyến",
        "XML14": "Giấy hẹn khám lại",
        "XML15": "Quản lý điều trị",
    },
    "en": {
        "XML0": "Check-in",
        "XML1": "Summary",
        "XML6": "Care record",
        "XML7": "Discharge certificate",
        "XML8": "Record summary",
        "XML9": "Birth certificate",
        "XML10": "Pregnancy-rest certificate",
        "XML11": "Sick-leave certificate",
        "XML12": "Medical assessment",
        "XML13": "Transfer letter",
        "XML14": "Appointment slip",
        "XML15": "Treatment record",
    },
}
LIST_NAMES = {
    "vi": {
        "icd10": "ICD-10",
        "thuoc": "thuốc",
        "dich-vu": "dịch vụ kỹ thuật",
        "co-so-kcb": "cơ sở khám chữa bệnh",
        "nghe-nghiep": "nghề nghiệp",
        "chi-so": "chỉ số cận lâm sàng (Quyết định 1227/2025)",
        "duong-dung": "đường dùng",
        "tinh": "tỉnh",
        "xa": "xã",
        "khoa": "khoa",
        "loai-kcb": "loại hình KCB",
        "doi-tuong-kcb": "đối tượng KCB",
        "ket-qua-dtri": "kết quả điều trị",
        "loai-rv": "loại ra viện",
        "dan-toc": "dân tộc",
        "tai-nan": "tai nạn",
        "nhom-chi-phi": "nhóm chi phí",
    },
    "en": {
        "icd10": "ICD-10",
        "thuoc": "drugs",
        "dich-vu": "technical services",
        "co-so-kcb": "facilities",
        "nghe-nghiep": "occupations",
        "chi-so": "laboratory and imaging indices (Decision 1227/2025)",
        "duong-dung": "routes",
        "tinh": "provinces",
        "xa": "communes",
        "khoa": "departments",
        "loai-kcb": "care types",
        "doi-tuong-kcb": "visit categories",
        "ket-qua-dtri": "treatment results",
        "loai-rv": "discharge types",
        "dan-toc": "ethnic groups",
        "tai-nan": "injuries",
        "nhom-chi-phi": "cost groups",
    },
}
# Why a licence was not in force, by the codes of a register.
LICENCE_WORDS = {
    "vi": {
        "revoked": "đã bị thu hồi",
        "suspended": "đang bị đình chỉ",
        "replaced": "đã cấp đổi",
        "not-yet": "chưa có hiệu lực",
        "expired": "đã hết hạn",
        "inactive": "không còn hành nghề",
    },
    "en": {
        "revoked": "revoked",
        "suspended": "suspended",
        "replaced": "replaced by another",
        "not-yet": "not in force yet",
        "expired": "expired",
        "inactive": "no longer used",
    },
}
AMOUNT_FACTS = frozenset({"sent", "expected", "value", "limit"})


@dataclass(frozen=True, slots=True)
class Wording:
    """One finding as people read it."""

    where: str  # "Dòng thuốc 3"
    what: str
    mend: str
    legal: str


def wording(finding: Finding, rules: Mapping[str, Rule], language: str) -> Wording:
    """Return the finding in `language` ("vi" or "en").

    A rule this node no longer knows is named by its number, so that old findings stay readable.
    """
    if finding.rule.startswith(LIST_PREFIX):
        return _unchecked(finding.rule.removeprefix(LIST_PREFIX), language)
    rule = rules.get(finding.rule)
    where = place(finding, language)
    if rule is None:
        return Wording(where, finding.rule, "", "")
    words = rule.words[language]
    facts = {name: _shown(name, value, language) for name, value in finding.facts.items()}
    return Wording(where, _fill(words.what, facts), _fill(words.mend, facts), rule.legal)


def place(finding: Finding, language: str) -> str:
    """Return where the finding is, as the sender counts rows."""
    name = ROW_NAMES[language].get(finding.table)
    if name and finding.row:
        return f"{name} {finding.row}"
    title = TABLE_NAMES[language].get(finding.table) or name
    if title is None:
        return {"vi": "Cả hồ sơ", "en": "Whole claim"}[language]
    return f"{title} ({finding.table})"


def _unchecked(name: str, language: str) -> Wording:
    title = LIST_NAMES[language].get(name, name)
    if language == "vi":
        return Wording(
            "Cả hồ sơ",
            f"chưa kiểm tra: thiếu danh mục {title}",
            "Không cần sửa hồ sơ; người quản trị nạp danh mục để kiểm tra.",
            "",
        )
    return Wording(
        "Whole claim",
        f"not checked: the list of {title} is not loaded",
        "Nothing to mend in the claim; load the list to have it checked.",
        "",
    )


def _fill(text: str, facts: Mapping[str, str]) -> str:
    return text.format_map({**dict.fromkeys(_names(text), "?"), **facts})


def _names(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def _shown(name: str, value: str | int, language: str) -> str:
    if name == "licence":
        return LICENCE_WORDS[language].get(str(value), str(value))
    if name not in AMOUNT_FACTS:
        return str(value)
    number = amount(str(value))
    if number is None:
        return str(value)
    text = f"{number:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))
