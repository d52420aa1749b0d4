"""Linking files on the command line: what people write, and what they get."""

import csv
import json
from pathlib import Path

import pytest

from trucyte.node.cli import main

HEADER = "ma_bn,ho_ten,ngay_sinh,gioi_tinh,so_cccd,ma_the,dien_thoai,dia_chi"
A = f"""{HEADER}
1,Nguyễn Thị Bích Hòa,1985-03-07,2,001185000123,,0912345678,"Số 5, Phường Hoàn Kiếm, Hà Nội"
2,Trần Văn Cường,1990-11-22,1,001090000456,,0987000111,"Thôn 3, Xã Ba Vì, Hà Nội"
3,Lê Thạch Mi Sa,2001-05-09,2,,,,
"""
B = f"""{HEADER}
x,NGUYEN THI BICH HOA,07/03/1985,nữ,001185000123,,,
y,Trần Văn Cường,1962-11-22,1,,,0987000111,"Thôn 3, Xã Ba Vì, Hà Nội"
z,Nguyễn Thị Bích Lan,1985-03-07,2,,,0912345678,"Số 5, Phường Hoàn Kiếm, Hà Nội"
"""


def run(*arguments: str) -> int:
    return main(arguments, standalone_mode=False)


def linked(folder: Path, a: str | bytes, b: str | bytes = "", *more: str) -> list[dict[str, str]]:
    files = []
    for name, text in (("a.csv", a), ("b.csv", b)):
        if text:
            data = text if isinstance(text, bytes) else text.encode()
            (folder / name).write_bytes(data)
            files.append(str(folder / name))
    out = folder / "links.csv"
    assert run("identity", "link", *files, "--out", str(out), "--json", *more) == 0
    return list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))


def test_two_files_are_linked_by_number_and_name(tmp_path: Path) -> None:
    rows = linked(tmp_path, A, B)
    assert list(rows[0]) == ["id_a", "id_b", "weight", "probability", "decision", "why"]
    sure = [row for row in rows if row["decision"] == "sure"]
    assert [(row["id_a"], row["id_b"]) for row in sure] == [("1", "x")]
    assert "same-personal-number" in sure[0]["why"]


def test_reasons_are_told_in_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUCYTE_LANGUAGE", "vi")
    rows = linked(tmp_path, A, B, "--explain")
    assert rows[0]["why"].startswith("Chắc chắn là một người. Cùng số định danh")


def test_one_file_is_searched_for_repeats(tmp_path: Path) -> None:
    rows = linked(tmp_path, A + B.partition("\n")[2])
    assert ("1", "x", "sure") in [(row["id_a"], row["id_b"], row["decision"]) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    rows = linked(tmp_path, A.encode(encoding), B.replace(",", ";").encode(encoding))
    assert rows[0]["decision"] == "sure"


def test_a_summary_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linked(tmp_path, A, B)
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["sure"]) == (6, 1)
    assert set(told["left_out"]) == {"shared_numbers", "large_blocks"}


@pytest.mark.parametrize(
    ("text", "more", "code"),
    [
        ("", (), "link-file"),
        ("a,b\n1,2\n", (), "link-names-missing"),
        ("ho_ten,ten_day_du\nx,y\n", (), "link-columns-ambiguous"),
        ("x\n1\n", ("--column", "name=y"), "link-column-unknown"),
        ("x\n1\n", ("--column", "shoe=x"), "link-field-unknown"),
    ],
)
def test_what_cannot_be_linked_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, more: tuple[str, ...], code: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    assert run("identity", "link", str(file), "--out", str(tmp_path / "o.csv"), *more) == 1
    assert f"[{code}]" in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()


def test_columns_can_be_named_and_joined(tmp_path: Path) -> None:
    text = "k,ho_va_dem,goi,sinh,cc\n1,Nguyễn Thị,Hòa,1985-03-07,001185000123\n"
    text += "2,Nguyen Thi,Hoa,1985-03-07,001185000123\n"
    named = ("record_id=k", "name=ho_va_dem+goi", "birth_date=sinh", "personal_number=cc")
    rows = linked(tmp_path, text, "", *(part for each in named for part in ("--column", each)))
    assert [(row["id_a"], row["decision"]) for row in rows] == [("1", "sure")]
