"""Rules that follow from the field tables: there, short enough, a number, a date.

One row of `vietnam/data/claims_fields.tsv` gives up to three rules, numbered by table and
field order, so that a number stays the same as long as the annex keeps its order.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from trucyte.fhir.issue import Severity
from trucyte.intake.claims.rules.rule import Destination, Era, Evidence, Rule, Words
from trucyte.vietnam.claims_fields import ClaimsField

SINCE_4750 = date(2024, 7, 1)
DISTRICTS_ENDED = date(2025, 6, 30)
# Required by the gateway's sheet, with the condition another rule row states, or no longer.
REQUIRED_UNTIL = {"MAHUYEN_CU_TRU": DISTRICTS_ENDED}
REQUIRED_ELSEWHERE = frozenset(
    {
        ("XML3", "MA_BENH"),  # only if it is not the main disease
        ("XML6", "NGAY_CHUYEN_PHAC_DO"),
        ("XML6", "LY_DO_CHUYEN_PHAC_DO"),
        ("XML13", "TEN_DICH_VU"),  # dropped by 3176
        ("XML15", "BDDT_ARV"),
        ("XML15", "NGAY_BAT_DAU_DT_CTX"),
        ("XML12", "TONG_TYLE_TTCT"),
        ("XML9", "GHI_CHU"),  # only with its flags
    }
)
DATE_DIGITS = {"NGAY_HEN_KL": (8, 12), "NGAY_MIEN_CCT": (8, 12)}
BIRTHS = frozenset({"NGAY_SINH", "NGAYSINH_NND"})
MANY_DATES = frozenset({"GT_THE_TU", "GT_THE_DEN", "NGAY_TAI_KHAM", "NGAY_VAO", "NGAY_RA"})
DATE_STARTS = ("NGAY", "GT_THE", "THOI_DIEM", "THOIGIAN", "BDDT", "TU_NGAY", "DEN_NGAY", "NAM_NAM")
DATE_ENDS = ("TUNGAY", "DENNGAY")


def field_rules(fields: tuple[ClaimsField, ...]) -> Iterator[Rule]:
    """Yield the rules that the field tables give."""
    for field in fields:
        yield from _required(field)
        yield from _length(field)
        if field.is_number:
            yield _number(field)
        elif is_date(field):
            yield _date(field)


def is_date(field: ClaimsField) -> bool:
    """Say whether the annex defines the field as a date or time."""
    name = field.field
    return (name.startswith(DATE_STARTS) or name.endswith(DATE_ENDS)) and name != "NGAY"


def _rule(field: ClaimsField, kind: str, check: str, **rest: Any) -> Rule:
    words: Mapping[str, Words] = rest.pop("words")
    until: date | None = rest.pop("until", None)
    return Rule(
        number=f"CTN-{field.table[3:]}-{field.order:02d}-{kind}",
        table=field.table,
        field=field.field,
        check=check,
        options=rest,
        severity=Severity.ERROR,
        destination=Destination.GATEWAY,
        evidence=Evidence.WORKING_SYSTEM,
        legal=f"Quyết định 4750/QĐ-BYT, bảng {field.table}, trường {field.order}",
        era=Era.NEW,
        valid_from=SINCE_4750,
        valid_to=until,
        needs_list="",
        words=words,
    )


def _words(field: ClaimsField, vi: str, vi_mend: str, en: str, en_mend: str) -> Mapping[str, Words]:
    def fill(text: str) -> str:
        return text.replace("<vi>", field.vi).replace("<en>", field.en)

    return {"vi": Words(fill(vi), fill(vi_mend)), "en": Words(fill(en), fill(en_mend))}


def _required(field: ClaimsField) -> Iterator[Rule]:
    if field.required != "R" or (field.table, field.field) in REQUIRED_ELSEWHERE:
        return
    yield _rule(
        field,
        "R",
        "required",
        until=REQUIRED_UNTIL.get(field.field),
        words=_words(
            field,
            "thiếu <vi>",
            "Điền <vi> trong HIS rồi gửi lại; hồ sơ cũ vẫn được giữ.",
            "<en> is missing",
            "Fill in <en> in the hospital system and send again; the earlier file is kept.",
        ),
    )


def _length(field: ClaimsField) -> Iterator[Rule]:
    if field.length is None or is_date(field) or field.is_number:
        return
    yield _rule(
        field,
        "L",
        "length",
        max=field.length,
        words=_words(
            field,
            "<vi> dài {length} ký tự, quá {max}",
            "Rút gọn <vi> còn tối đa {max} ký tự rồi gửi lại.",
            "<en> has {length} characters, more than {max}",
            "Shorten <en> to at most {max} characters and send again.",
        ),
    )


def _number(field: ClaimsField) -> Rule:
    return _rule(
        field,
        "S",
        "number",
        words=_words(
            field,
            "<vi> không phải là số viết đúng quy định",
            "Viết <vi> bằng chữ số, dấu chấm thập phân, không dấu phân cách nghìn.",
            "<en> is not a number as the annex writes it",
            "Write <en> in digits with a decimal point and no thousands separator.",
        ),
    )


def _date(field: ClaimsField) -> Rule:
    digits = DATE_DIGITS.get(field.field, (8,) if field.length == 8 else (8, 12))
    return _rule(
        field,
        "N",
        "date_form",
        digits=digits,
        partial=field.field in BIRTHS,
        many=field.field in MANY_DATES,
        words=_words(
            field,
            "<vi> không phải là ngày giờ viết đúng quy định",
            "Viết <vi> theo mẫu năm-tháng-ngày-giờ-phút liền nhau (yyyymmddHHMM hoặc yyyymmdd).",
            "<en> is not a date as the annex writes it",
            "Write <en> as yyyymmdd or yyyymmddHHMM.",
        ),
    )
