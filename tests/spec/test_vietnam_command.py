"""`trucyte vietnam`: what is understood of a name, a number, an address, a file."""

import json
from pathlib import Path

from click.testing import CliRunner

from trucyte.node.cli import COMMANDS
from trucyte.node.country.commands import vietnam


def answer(*arguments: str, lines: str = "") -> list[dict[str, object]]:
    result = CliRunner().invoke(vietnam, [*arguments, "--json"], input=lines)
    assert result.exception is None
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_name_is_shown_in_its_parts() -> None:
    (found,) = answer("name", "Nguyeenx Thij Hoaf")
    assert found["text"] == "Nguyễn Thị Hòa"
    assert found["repaired"] == "telex"


def test_lines_of_the_standard_input_are_answered_one_by_one() -> None:
    found = answer("number", "-", lines="001085000001\n000000000000\n")
    assert [one["usable"] for one in found] == [True, False]
    assert found[0]["registered"] == "Hà Nội"


def test_an_address_is_shown_in_units_of_both_times() -> None:
    (found,) = answer("address", "P. Trúc Bạch, Q. Ba Đình, Hà Nội")
    assert found["commune"] == "00004 Phường Ba Đình"
    assert found["former_district"] == "001 Quận Ba Đình"


def test_a_file_in_an_old_encoding_is_written_in_utf8(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_bytes("NguyÔn ThÞ Hång;TrÇn V¨n §øc".encode("cp1252"))
    result = CliRunner().invoke(vietnam, ["text", str(file)])
    assert result.stdout == "Nguyễn Thị Hồng;Trần Văn Đức"
    assert answer("text", str(file))[0]["encoding"] == "tcvn3"


def test_the_menu_has_the_command() -> None:
    assert COMMANDS["vietnam"].place.endswith(":vietnam")
