"""Files that would make a matcher explode: bounded, and what was left out is told."""

import csv
import json
from pathlib import Path

import pytest

from trucyte.node.cli import main
from trucyte.shared.identity.bulk.files import _row_end


def summary(folder: Path, rows: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    file = folder / "a.csv"
    file.write_text("\n".join(["id,ho_ten,ngay_sinh,so_cccd,dien_thoai", *rows]), encoding="utf-8")
    out = folder / "links.csv"
    assert (
        main(["identity", "link", str(file), "--out", str(out), "--json"], standalone_mode=False)
        == 0
    )
    return json.loads(capsys.readouterr().out)


@pytest.mark.long
def test_a_number_that_fifty_thousand_share_makes_no_pairs_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"{n},Trần Văn {chr(65 + n % 26)}{n},19{n % 90 + 10}-0{n % 9 + 1}-1{n % 10},001185000123,"
        for n in range(50_000)
    ]
    told = summary(tmp_path, rows, capsys)
    assert told["left_out"]["shared_numbers"] == {"personal": 50_000}
    assert told["candidate_pairs"] < 30 * 50_000


def test_one_name_and_day_borne_by_thousands_makes_no_block(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = summary(tmp_path, [f"{n},Nguyễn Văn A,1990-03-04,," for n in range(3_000)], capsys)
    assert told["left_out"]["large_blocks"]["name-year"] == 3_000
    assert told["candidate_pairs"] == 0


def test_empty_and_monstrous_cells_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["", "1", "2,,,,", f"3,{'Ngô ' * 3000},1900-01-01,x,y", '4,"a\nb",2999-99-99,,']
    rows += ["5,Đ,,,", "6,王小明,1990-02-03,,", "7,王小明,1990-02-03,,"]
    told = summary(tmp_path, rows, capsys)
    assert told["records"] == 7


def test_a_row_ends_outside_quotes() -> None:
    assert _row_end(b'1,"a\nb"\n2,"c\n') == len(b'1,"a\nb"\n')


def test_a_quote_that_never_ends_is_refused_or_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ['1,"Trần Văn A,1990-01-02,,'] + [f"{n},Lê B,1991-02-03,," for n in range(50)]
    assert summary(tmp_path, rows, capsys)["records"] >= 1
    with (tmp_path / "links.csv").open(encoding="utf-8") as stream:
        assert next(csv.reader(stream))[0] == "id_a"
