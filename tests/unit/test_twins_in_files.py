"""Twins in a file, whose names differ by a mark: never one group, whatever their records lack."""

from pathlib import Path

import pytest

from trucyte.shared.identity.bulk import linking

HEAD = "id,ho_ten,ngay_sinh,gioi_tinh,so_cccd,dien_thoai,dia_chi,ho_ten_me"
HOME = '0912345678,"Số 5 phố Hàng Bông, Phường Hoàn Kiếm, Hà Nội",Trần Thị Lụa'


def groups_of(folder: Path, rows: list[str]) -> list[set[int]]:
    """Return the groups of two and more, as the numbers of their lines."""
    file = folder / "a.csv"
    file.write_text("\n".join((HEAD, *(f"{n},{row},{HOME}" for n, row in enumerate(rows)))))
    linkage = linking.prepare(
        [file], folder, named={}, workers=1, memory="500MB", progress=lambda step, rows: None
    )
    linking.decide_all(linkage, progress=lambda step, rows: None)
    root = linkage.groups.root
    found: dict[int, set[int]] = {}
    for number in range(len(rows)):
        found.setdefault(root(number), set()).add(number)
    linkage.connection.close()
    return [group for group in found.values() if len(group) > 1]


TUAN = "Nguyễn Minh Tuấn,1999-12-03,1"
TUAN_OTHER = "Nguyễn Minh Tuân,1999-12-03,1"


@pytest.mark.parametrize(
    "rows",
    [
        (f"{TUAN},", "Nguyen Minh Tuan,1999-12-03,1,"),
        (f"{TUAN},001099000123", f"{TUAN},001099000123", "NGUYEN MINH TUAN,1999-12-03,1,"),
        ("Nguyen Minh Tuan,1999-12-03,1,", "Nguyen Minh Tuan,1999-12-03,1,001099000123"),
        (f"{TUAN},001099000123", "Nguyen Minh Tuann,1999-12-03,1,"),  # Tuân, a slip, no marks
        (f"{TUAN},001099000123", "Nguyễn Minh Tusn,1999-12-03,1,"),  # of Tuân too
        (f"{TUAN},001099000123", "Nguyễn Minh Tuânn,1999-12-03,1,"),
        ("Nguyễn Minh Long,1999-12-03,1,", "Nguyen Minh Longg,1999-12-03,1,"),  # of Lộng too
        (f"{TUAN},", "Tuan Minh Nguyen,1999-12-03,1,"),
    ],
)
def test_lost_marks_link_nobody_without_a_number(tmp_path: Path, rows: tuple[str, ...]) -> None:
    found = groups_of(tmp_path, list(rows))
    assert all(len(rows) - 1 not in group for group in found)


def test_a_number_links_a_name_without_marks(tmp_path: Path) -> None:
    rows = [f"{TUAN},001099000123", "Nguyen Minh Tuan,1999-12-03,1,001099000123"]
    assert groups_of(tmp_path, rows) == [{0, 1}]


def test_a_slip_in_a_consonant_links_where_no_twin_is(tmp_path: Path) -> None:
    rows = [f"{TUAN},", "Nguyễn Minh Tuấnn,1999-12-03,1,"]
    assert groups_of(tmp_path, rows) == [{0, 1}]


def test_once_a_twin_is_seen_only_numbers_link(tmp_path: Path) -> None:
    """The third, written as the first, may be the second's with a slip of the mark."""
    rows = [f"{TUAN},", f"{TUAN_OTHER},001099000123", f"{TUAN},001099000123", f"{TUAN},"]
    assert groups_of(tmp_path, rows) == [{1, 2}]
