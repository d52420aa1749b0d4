"""Lists of facilities and practitioners become registers, again and again the same."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.records import KEY, body, open_node
from tests.support.register_files import Desk, reasons
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.registers.codes import facility_id
from trucyte.shared.identity.registers.files.load import Asked
from trucyte.shared.identity.registers.files.rows import Kind, has_check_digit
from trucyte.shared.identity.registers.reader import register_id

EXAMPLES = Path(__file__).parents[2] / "examples" / "registers"


@pytest.fixture
def desk(database: Database, tmp_path: Path, definitions: Definitions) -> Iterator[Desk]:
    needs_definitions()
    clock = FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    with open_node(database, tmp_path, clock, definitions) as node:
        yield Desk(node, definitions, tmp_path)


def test_the_examples_are_taken_whole_and_the_second_time_nothing_is_written(desk: Desk) -> None:
    for kind, name, taken in (
        (Kind.FACILITIES, "facilities.csv", 5),
        (Kind.PRACTITIONERS, "practitioners.csv", 5),
    ):
        asked = Asked(kind, EXAMPLES / name)
        first, tail = desk.loader.load(asked), desk.node.journal.tail()
        assert (first.notes.faults, first.notes.warnings, first.units) == ([], [], taken)
        again = desk.loader.load(asked)
        assert (again.written, again.unchanged) == (0, first.written)
        assert desk.node.journal.tail() == tail
    expected = ("in-force", "revoked", "suspended", "expired", "in-force")
    found = [desk.why(f"00000{n}/MAU-{'CCHN' if n in (3, 5) else 'GPHN'}") for n in range(1, 6)]
    assert tuple(found) == expected
    assert desk.facilities.name(desk.node.full, "00001") == "Bệnh viện Đa khoa Mẫu"


def test_a_merged_facility_is_another_one_from_that_day_on(desk: Desk) -> None:
    desk.loader.load(Asked(Kind.FACILITIES, EXAMPLES / "facilities.csv"))
    ids = {code: facility_id(KEY, code) for code in ("00003", "00004", "00005")}
    ask = desk.facilities
    access = desk.node.full
    assert ask.successors(access, ids["00003"], date(2025, 6, 30)) == [ids["00003"]]
    assert ask.successors(access, ids["00003"], date(2025, 7, 1)) == [ids["00005"]]
    before = sorted((ids["00003"], ids["00004"]))
    assert ask.predecessors(access, ids["00005"], date(2026, 1, 1)) == before
    assert ask.predecessors(access, ids["00005"], date(2025, 1, 1)) == []


def test_splits_chains_and_circles_end(desk: Desk) -> None:
    rows = ("00002,Hai,00001,01/01/2024", "00003,Ba,00001,01/01/2024",
            "00004,Bon,00003,01/01/2025", "00001,Mot,00004,01/01/2026")  # fmt: skip
    desk.load(Kind.FACILITIES, "\n".join(("ma cskcb,ten cskcb,thay cho,ngay tach", *rows)))
    ids = {code: facility_id(KEY, code) for code in ("00001", "00002", "00003", "00004")}

    def after(day: date) -> list[str]:
        return list(desk.facilities.successors(desk.node.full, ids["00001"], day))

    assert after(date(2024, 6, 1)) == sorted((ids["00002"], ids["00003"]))
    assert after(date(2025, 6, 1)) == sorted((ids["00002"], ids["00004"]))
    assert after(date(2026, 6, 1)) == [ids["00002"]]


def test_a_revocation_comes_by_list_and_is_lifted_by_list(desk: Desk) -> None:
    line = "000009/MAU-GPHN,Lê Mẫu,01/01/2024,,{},{},00001"
    desk.practitioners(line.format("", ""))
    assert desk.why("000009/mau-gphn") == "in-force"
    desk.practitioners(line.format("Thu hồi", "20/11/2026"))
    assert desk.why("000009/MAU-GPHN") == "revoked"
    desk.practitioners(line.format("Còn hiệu lực", "22/11/2026"))
    assert desk.why("000009/MAU-GPHN") == "in-force"
    id_ = register_id(KEY, "000009/MAU-GPHN")
    held = body(desk.node.records.read(desk.node.full, "Practitioner", id_))
    (state,) = [e for e in held["qualification"][0]["extension"] if "licence-state" in e["url"]]
    period = next(p for p in state["extension"] if p["url"] == "period")["valuePeriod"]
    assert period == {"start": "2026-11-20", "end": "2026-11-21"}


def test_a_revocation_without_a_day_bars_from_the_day_it_was_told_and_stays_the_same(
    desk: Desk,
) -> None:
    line = "000009/MAU-GPHN,Lê Mẫu,01/01/2024,,thu hồi,,"
    first = desk.practitioners(line)
    assert [n.reason for n in first.notes.warnings] == ["state-day-missing"]
    desk.node.clock.advance(timedelta(days=3))
    assert desk.practitioners(line).written == 0
    assert desk.why("000009/MAU-GPHN") == "revoked"


def test_of_two_lines_that_disagree_the_worse_counts(desk: Desk) -> None:
    told = desk.practitioners(
        "000009/MAU-GPHN,Lê Mẫu,01/01/2024,,còn hiệu lực,,00001",
        "000009/MAU-GPHN,Lê Mẫu,01/01/2024,,đình chỉ,01/11/2026,00002",
    )
    assert [n.reason for n in told.notes.warnings] == ["licence-told-differently"]
    assert desk.why("000009/MAU-GPHN") == "suspended"
    assert len(desk.node.search("PractitionerRole")) == 2


def test_what_a_list_does_not_speak_of_stays(desk: Desk) -> None:
    line = "000009/MAU-GPHN,Lê Mẫu,01/01/2024,31/12/2028,,,"
    desk.practitioners(line)
    id_ = register_id(KEY, "000009/MAU-GPHN")
    held = body(desk.node.records.read(desk.node.full, "Practitioner", id_))
    held["meta"] = {"tag": [{"system": "urn:t", "code": "t"}]}
    held["gender"] = "female"
    held["qualification"].append({"code": {"text": "Thạc sĩ"}})
    desk.node.put(held)
    desk.practitioners("000009/MAU-GPHN,Lê Thị Mẫu,,,,,", "000008/MAU-GPHN,Khác,,,,,")
    kept = body(desk.node.records.read(desk.node.full, "Practitioner", id_))
    assert kept["gender"] == "female"
    assert kept["meta"]["tag"] == [{"system": "urn:t", "code": "t"}]
    assert [q["code"]["text"] for q in kept["qualification"]][1] == "Thạc sĩ"
    assert kept["qualification"][0]["period"] == {"start": "2024-01-01", "end": "2028-12-31"}
    assert kept["name"] == [{"text": "Lê Thị Mẫu"}]


def test_a_bad_line_is_named_and_the_others_are_taken(desk: Desk) -> None:
    told = desk.practitioners(
        "000001/MAU-GPHN,Một,,,,,",
        ",Không số,,,,,",
        "000002/MAU-GPHN,,,,,,",
        "000003/MAU-GPHN,Ba,31/02/2024,,,,",
        "000004/MAU-GPHN,Bốn,01/01/2024,01/01/2020,,,",
        "000005/MAU-GPHN,Năm,,,chẳng rõ,,",
        "000006/MAU-GPHN,Sáu,,,,,123456",
        "000007/MAU-GPHN,Bảy,,,hết hạn,,",
        "000001/MAU-GPHN,Người khác,,,,,",
        f"000008/MAU-GPHN,{'A' * 3000},,,,,",
        "000009/MAU-GPHN,Chín,,,,,",
    )
    assert reasons(told) == [
        (3, "number-missing", "number"),
        (4, "name-missing", "name"),
        (5, "day-form", "issued"),
        (6, "days-reversed", "expires"),
        (7, "state-unknown", "state"),
        (8, "facility-code-form", "facility"),
        (9, "expired-without-day", "expires"),
        (10, "number-of-two-people", "number"),
        (11, "too-long", "name"),
    ]
    assert (told.units, told.notes.rows, told.notes.faulty) == (2, 11, 9)


def test_a_check_writes_nothing(desk: Desk) -> None:
    text = "so gphn,ho ten\n000001/MAU-GPHN,Một"
    told = desk.load(Kind.PRACTITIONERS, text, only_check=True)
    assert (told.units, told.written) == (1, 1)
    assert desk.node.search("Practitioner") == []


def test_a_heading_of_ones_own_can_be_told(desk: Desk) -> None:
    text = "Thẻ của BS;Ai\n000001/MAU-GPHN;Một"
    told = desk.load(Kind.PRACTITIONERS, text, columns={"number": "thẻ của bs", "name": "Ai"})
    assert told.units == 1


def test_facility_codes_and_global_numbers(desk: Desk) -> None:
    rows = ("1234,Số không bị bỏ,,", "79A01,Có chữ,8930000000019,", "7901,Hai,893,",
            "79A01,Lần hai,,", "79002,Sai tổng,8930000000018,", "79003,Tự thay,,79003")  # fmt: skip
    told = desk.load(Kind.FACILITIES, "\n".join(("ma cskcb,ten cskcb,gln,thay cho", *rows)))
    assert reasons(told) == [(4, "gln-form", "gln"), (5, "facility-twice", "code"),
                             (7, "replaces-itself", "replaces")]  # fmt: skip
    assert [(n.row, n.reason) for n in told.notes.warnings] == [
        (2, "zeros-put-back"), (4, "zeros-put-back"), (6, "gln-check-digit")]  # fmt: skip
    assert desk.facilities.name(desk.node.full, "01234") == "Số không bị bỏ"
    assert has_check_digit("4006381333931")
    assert desk.node.search("Organization", ("identifier", "https://www.gs1.org/gln|8930000000019"))


def test_a_list_of_facilities_gives_places_services_and_endpoints(desk: Desk) -> None:
    desk.load(
        Kind.FACILITIES,
        "ma cskcb,ten cskcb,ma xa,dich vu,gio lam viec,dia chi ket noi\n"
        "00009,Tram Mau,00262,Tiêm chủng; Khám thai; tiêm  chủng,T2-6: 7h-16h,https://m.example/r4",
    )
    location, endpoint = desk.one("Location"), desk.one("Endpoint")
    organisation = desk.one("Organization")
    services = desk.all("HealthcareService")
    assert sorted(one["name"] for one in services) == ["Khám thai", "tiêm chủng"]
    own = {"reference": f"Organization/{organisation['id']}"}
    for one in services:
        assert one["availableTime"][0]["availableEndTime"] == "16:00:00"
        assert one["location"] == [{"reference": f"Location/{location['id']}"}]
        assert own.items() <= one["providedBy"].items()
    assert location["hoursOfOperation"][0]["openingTime"] == "07:00:00"
    assert location["address"]["extension"] == organisation["address"][0]["extension"]
    assert endpoint["address"] == "https://m.example/r4"
    assert organisation["endpoint"] == [{"reference": f"Endpoint/{endpoint['id']}"}]


def test_an_address_with_a_password_and_hours_that_say_nothing_are_told(desk: Desk) -> None:
    loaded = desk.load(
        Kind.FACILITIES,
        "ma cskcb,ten cskcb,ma xa,gio lam viec,dia chi ket noi\n"
        "00009,Mot,,,https://me:secret@m.example/r4\n"
        "00008,Hai,,,ftp://m.example\n"
        "00007,Ba,Xã Không Có,khi có hẹn,",
    )
    faults = [(note.row, note.reason) for note in loaded.notes.faults]
    assert faults == [(2, "endpoint-form"), (3, "endpoint-form")]
    warned = [(note.row, note.reason) for note in loaded.notes.warnings]
    assert warned == [(4, "commune-unsure"), (4, "hours-form")]
    assert loaded.units == 1
