"""The narrative of a summary: XHTML in Vietnamese and English, made from the entries, pure.

Only what R4 allows in a narrative is used (R4 2.4.0): tables, paragraphs, emphasis; every
text of a resource is escaped.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final

from trucyte.national.record.rules import Section, date_of

Json = Mapping[str, Any]
_TEXT_MAX: Final = 400

# What a resource is about: the first element that says something.
_WHAT: Final = (
    "code", "medicationCodeableConcept", "medicationReference", "vaccineCode", "device", "title",
    "category", "scope",
)  # fmt: skip
_NO_INFORMATION: Final = "Không có thông tin · No information available"
WITHHELD: Final = (
    "Thông tin bị hạn chế không có trong bản tóm tắt này, dù hồ sơ có hay không.",
    "Restricted information is not part of this summary, whether or not the record holds any.",
)
_HEAD: Final = ("Ngày · Date", "Nội dung · What", "Chi tiết · Details")


def narrative(parts: Iterable[str]) -> dict[str, str]:
    """Return a Narrative of parts that are XHTML already."""
    content = "".join(parts)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml" lang="vi" xml:lang="vi">{content}</div>',
    }


def section_text(section: Section, entries: Sequence[Json], names: Mapping[str, str]) -> Json:
    """Return the text of a section; `names` are what references are called."""
    heading = f"<p><b>{escape(title_of(section))}</b></p>"
    if not entries:
        return narrative([heading, f"<p>{_NO_INFORMATION}</p>"])
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    rows = "".join(_row(entry, names) for entry in entries)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return narrative([heading, table])


def title_of(section: Section) -> str:
    """Return what a section is called, in both languages."""
    return f"{section.vi} · {section.en}"


def note_text() -> Json:
    """Return the note on what is left out: the same for every record, so it tells nothing."""
    vietnamese, english = WITHHELD
    return narrative(
        [f"<p>{vietnamese}</p>", f'<p lang="en" xml:lang="en">{english}</p>'],
    )


def head_text(patient: Json, node: str, day: str) -> Json:
    """Return the text of the whole: whose, from where, of which day."""
    lines = [
        ("Họ tên · Name", _name(patient)),
        ("Ngày sinh · Birth date", day_of(str(patient.get("birthDate", "")))),
        ("Giới tính · Gender", _GENDERS.get(str(patient.get("gender", "")), "")),
        ("Nguồn · Source", node),
        ("Lập ngày · Made on", day_of(day)),
    ]
    rows = "".join(
        f"<tr><th>{name}</th><td>{shortened(value)}</td></tr>" for name, value in lines if value
    )
    return narrative([f"<table><tbody>{rows}</tbody></table>"])


_GENDERS: Final = {
    "male": "Nam · Male", "female": "Nữ · Female", "other": "Khác · Other",
    "unknown": "Không rõ · Unknown",
}  # fmt: skip


def _row(entry: Json, names: Mapping[str, str]) -> str:
    cells = (day_of(date_of(entry)), what(entry, names), details(entry))
    return "<tr>" + "".join(f"<td>{shortened(cell)}</td>" for cell in cells) + "</tr>"


def shortened(text: str) -> str:
    """Return a text of a table's cell, escaped."""
    return escape(text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…")


def day_of(text: str) -> str:
    """Return a FHIR date as people here write it: 24/11/2026, 11/2026, 2026."""
    return "/".join(reversed(text[:10].split("-"))) if text else ""


def what(entry: Json, names: Mapping[str, str]) -> str:
    """Return what a resource is about."""
    for element in _WHAT:
        said = words(entry.get(element))
        if said:
            return said
        reference = entry.get(element)
        if isinstance(reference, dict) and reference.get("reference") in names:
            return names[reference["reference"]]
    return ""


def words(value: Any) -> str:
    """Return a CodeableConcept, Coding, Reference or list of them as words."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(said for said in map(words, value) if said)
    if not isinstance(value, dict):
        return ""
    if value.get("text") or value.get("display"):
        return str(value.get("text") or value.get("display"))
    codings = value.get("coding", ())
    shown = next((c["display"] for c in codings if c.get("display")), "")
    return str(shown or next((c["code"] for c in codings if c.get("code")), ""))


def details(entry: Json) -> str:
    """Return what is measured, how it is given, how bad it is: what a reader needs beside it."""
    said = [
        _value(entry),
        *(f"{words(part.get('code'))}: {_value(part)}" for part in entry.get("component", ())),
        *(str(dose["text"]) for dose in _doses(entry) if dose.get("text")),
        words(entry.get("severity")),
        str(entry.get("criticality", "")),
        words(entry.get("interpretation")),
        str(entry.get("conclusion", "")),
    ]
    return "; ".join(part for part in said if part)


def _doses(entry: Json) -> Sequence[Json]:
    found: Sequence[Json] = entry.get("dosage") or entry.get("dosageInstruction") or ()
    return found


def _value(entry: Json) -> str:
    for key, value in entry.items():
        if not key.startswith("value"):
            continue
        if key == "valueQuantity":
            return _quantity(value)
        if key in ("valueInteger", "valueString", "valueDecimal"):
            return str(value)
        if key == "valueBoolean":
            return "có · yes" if value else "không · no"
        if key == "valueDateTime":
            return day_of(value)
        return words(value)
    return ""


def _quantity(value: Json) -> str:
    number = value.get("value")
    shown = format(number, "f") if isinstance(number, Decimal) else str(number or "")
    unit = str(value.get("unit") or value.get("code") or "")
    return f"{value.get('comparator', '')}{shown} {unit}".strip()


def _name(patient: Json) -> str:
    for name in patient.get("name", ()):
        text = name.get("text") or " ".join([name.get("family", ""), *name.get("given", ())])
        if text.strip():
            return str(text.strip())
    return ""
