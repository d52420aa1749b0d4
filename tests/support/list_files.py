"""Made list files in the shapes that operators have. No row of a real list is in them."""

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

ICD_HEADING = [
    "STT", "MÃ CHƯƠNG", "CHAPTER NAME", "TÊN CHƯƠNG", "MÃ NHÓM CHÍNH", "MAIN GROUP NAME I",
    "TÊN NHÓM CHÍNH", "MÃ NHÓM PHỤ 1", "SUB GROUP NAME I", "TÊN NHÓM PHỤ 1", "MÃ NHÓM PHỤ 2",
    "SUB GROUP NAME II", "TÊN NHÓM PHỤ 2", "MÃ LOẠI", "TYPE NAME", "TÊN LOẠI", "MÃ BỆNH",
    "MÃ BỆNH KHÔNG DẤU", "DISEASE NAME", "TÊN BỆNH", "GHI CHÚ", "GHI CHÚ 2", "GHI CHÚ 3",
    "C24", "C25", "C26", "C27", "C28", "C29",
]  # fmt: skip


def icd_row(code: str, name: str, *, flags: Sequence[int] = ()) -> list[str]:
    """Return a row of the 29 columns; `flags` are the columns that are marked."""
    row = [""] * 29
    row[1:4] = ["I", "Made chapter", "Chương thử"]
    row[4:7] = ["A00-A09", "Made group", "Nhóm thử"]
    row[13:16] = [code[:3], "Made category", f"Loại {code[:3]}"]
    row[16], row[18], row[19] = code, f"Made {code}", name
    for flag in flags:
        row[flag - 1] = "x"
    return row


def write_sheet(path: Path, rows: Sequence[Sequence[object]], title: str = "") -> Path:
    """Write a workbook, with a title above the heading where one is given."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        start = 0
        if title:
            sheet.write(0, 0, title)
            start = 2
        for number, row in enumerate(rows, start=start):
            for column, value in enumerate(row):
                if value != "":
                    sheet.write(number, column, value)
    return path


def write_csv(path: Path, rows: Sequence[Sequence[str]], mark: str = ",") -> Path:
    """Write delimited text."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark).writerows(rows)
    return path


def write_book(path: Path, sheet: bytes, shared: bytes | None = None) -> Path:
    """Write a workbook from the XML of its sheet as it is given."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml",
            '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
            'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        if shared is not None:
            archive.writestr("xl/sharedStrings.xml", shared)
    return path


def write_rf2(folder: Path, concepts: int = 4) -> Path:
    """Write a made RF2 snapshot: a root and codes below it in a row."""
    terminology = folder / "Snapshot" / "Terminology"
    language = folder / "Snapshot" / "Refset" / "Language"
    terminology.mkdir(parents=True)
    language.mkdir(parents=True)
    ids = [f"10000{number}008" for number in range(concepts)]
    module = "900000000000207008"
    lines = ["id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId"]
    lines += [f"{i}\t20260101\t1\t{module}\t900000000000074008" for i in ids]
    lines.append(f"199999008\t20260101\t0\t{module}\t900000000000074008")
    (terminology / "sct2_Concept_Snapshot_INT_20260101.txt").write_text("\r\n".join(lines) + "\r\n")
    lines = [
        "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"
    ]
    for n, i in enumerate(ids):
        lines.append(
            f"2{n}0010\t20260101\t1\t{module}\t{i}\ten\t900000000000003001\tThing {n} (finding)\t9"
        )
        lines.append(
            f"3{n}0010\t20260101\t1\t{module}\t{i}\ten\t900000000000013009\tThe thing {n}\t9"
        )
        lines.append(
            f"4{n}0010\t20260101\t1\t{module}\t{i}\ten\t900000000000013009\tThe other {n}\t9"
        )
    (terminology / "sct2_Description_Snapshot-en_INT_20260101.txt").write_text(
        "\n".join(lines) + "\n"
    )
    lines = [
        "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId"
    ]
    lines += [
        f"5{n}0020\t20260101\t1\t{module}\t{ids[n]}\t{ids[n - 1]}\t0\t116680003\t9\t9"
        for n in range(1, concepts)
    ]
    (terminology / "sct2_Relationship_Snapshot_INT_20260101.txt").write_text(
        "\n".join(lines) + "\n"
    )
    lines = [
        "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId"
    ]
    lines += [
        f"u{n}\t20260101\t1\t{module}\t9\t3{n}0010\t900000000000548007" for n in range(concepts)
    ]
    (language / "der2_cRefset_LanguageSnapshot-en_INT_20260101.txt").write_text(
        "\n".join(lines) + "\n"
    )
    return folder
