"""The doors hospital systems know: login, sending, status; always with a token."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Reply, ask
from tests.support.trail import ALL
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.intake.receipts import State
from trucyte.intake.store import PostgresReceipts
from trucyte.journal.keyring import Keyring
from trucyte.shared.access.accounts import Accounts, sent_form
from trucyte.shared.audit import Outcome, Trail
from trucyte.shared.audit.reading import Wanted
from trucyte.web.doors import claims as published
from trucyte.web.doors.claims import Doors

CLAIM = b"<?xml version='1.0'?><GIAMDINHHS/>"
SEND = "/api/kcb/xml/qd3176/guiHoSoXml"


@pytest.fixture
def receipts(database: Database, clock: FixedClock) -> PostgresReceipts:
    return PostgresReceipts(database, b"k" * 32, clock)


@pytest.fixture
def accounts(database: Database, clock: FixedClock) -> Accounts:
    return Accounts(database, clock)


@pytest.fixture
def trail(database: Database, clock: FixedClock, tmp_path: Path) -> Iterator[Trail]:
    trail = Trail(database, Keyring.open(tmp_path / "keys"), clock)
    yield trail
    trail.close()


@pytest.fixture
def doors(receipts: PostgresReceipts, accounts: Accounts, clock: FixedClock, trail: Trail) -> Doors:
    return Doors(receipts, accounts, clock, trail)


@pytest.fixture
def token(doors: Doors, accounts: Accounts) -> str:
    password = accounts.add("his-mau", "00001")
    login = {"username": "his-mau", "password": password, "code": "00001"}
    reply = ask(doors, "POST", "/api/auth/login", body=json.dumps(login).encode())
    assert reply.status == 200
    return str(reply.json["accessToken"])


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def send(doors: Doors, token: str) -> Callable[..., Reply]:
    def call(files: list[str], facility: str = "00001", token: str = token) -> Reply:
        body = {"loaiHoSo": "3176", "maTinh": "00", "maCSKCB": facility, "files": files}
        return ask(doors, "POST", SEND, body=json.dumps(body).encode(), headers=bearer(token))

    return call


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_each_file_is_kept_as_it_came_and_gets_a_transaction_number(
    send: Callable[..., Reply], receipts: PostgresReceipts
) -> None:
    reply = send([encoded(CLAIM), encoded(CLAIM + b"\n")])
    assert reply.status == 200
    assert (reply.json["totalSuccess"], reply.json["totalFailed"]) == (2, 0)
    first = receipts.by_transaction(reply.json["fileResults"][0]["maGiaoDich"])
    assert b"".join(receipts.original(first.number)) == CLAIM
    assert first.state is State.WAITING


def test_a_bad_file_fails_alone(send: Callable[..., Reply]) -> None:
    reply = send(["***", encoded(CLAIM), ""])
    assert (reply.json["totalSuccess"], reply.json["totalFailed"]) == (1, 2)
    assert [r["maKetQua"] for r in reply.json["fileResults"]] == ["400", "200", "400"]


def test_the_same_file_again_has_the_same_transaction_number(send: Callable[..., Reply]) -> None:
    numbers = {send([encoded(CLAIM)]).json["fileResults"][0]["maGiaoDich"] for _ in range(2)}
    assert len(numbers) == 1


def test_the_status_of_a_file_is_asked_by_its_transaction(
    doors: Doors, send: Callable[..., Reply], token: str
) -> None:
    number = send([encoded(CLAIM)]).json["fileResults"][0]["maGiaoDich"]
    target = f"/api/kcb/tra-cuu-trang-thai/{number}"
    assert ask(doors, "GET", target, headers=bearer(token)).json["trangThai"] == "waiting"
    assert ask(doors, "GET", target).status == 401
    assert ask(doors, "GET", target + "x", headers=bearer(token)).status == 404


def test_nothing_is_received_without_a_token(
    send: Callable[..., Reply], receipts: PostgresReceipts
) -> None:
    assert send([encoded(CLAIM)], token="made-up").status == 401
    assert list(receipts.files()) == []


def test_a_sender_sends_for_its_own_facility_only(
    send: Callable[..., Reply], receipts: PostgresReceipts
) -> None:
    assert send([encoded(CLAIM)], facility="00002").status == 403
    assert list(receipts.files()) == []


def test_a_file_that_names_another_facility_is_refused_alone(
    send: Callable[..., Reply], receipts: PostgresReceipts
) -> None:
    other = b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>00002</MACSKCB></THONGTINDONVI></GIAMDINHHS>"
    reply = send([encoded(other), encoded(other.replace(b"00002", b"00001"))])
    assert [r["maKetQua"] for r in reply.json["fileResults"]] == ["403", "200"]
    assert len(receipts.files()) == 1


def test_a_large_body_is_not_read_for_somebody_without_a_token(doors: Doors) -> None:
    reply = ask(doors, "POST", SEND, body=b"x" * 100_000, headers=bearer("made-up"), piece=1000)
    assert reply.status == 401
    login = ask(doors, "POST", "/api/auth/login", body=b"x" * 100_000, piece=1000)
    assert login.status == 413


def test_before_a_file_is_read_its_status_says_only_where_it_stands(
    doors: Doors, send: Callable[..., Reply], token: str
) -> None:
    number = send([encoded(CLAIM)]).json["fileResults"][0]["maGiaoDich"]
    reply = ask(doors, "GET", f"/api/kcb/tra-cuu-trang-thai/{number}", headers=bearer(token))
    assert set(reply.json) == {"maKetQua", "maGiaoDich", "trangThai"}


def test_the_insurer_s_shape_is_answered_too(
    doors: Doors, accounts: Accounts, receipts: PostgresReceipts
) -> None:
    password = accounts.add("his-mau", "00001")
    form = urlencode({"username": "his-mau", "password": sent_form(password)}).encode()
    key = ask(doors, "POST", "/api/token/take", body=form).json["APIKey"]
    assert key["token_type"] == "Bearer"
    headers = {"accessToken": key["access_token"], "tokenId": key["id_token"]}
    claim = {"username": "his-mau", "maCSKCB": "00001", "fileHSBase64": encoded(CLAIM)}
    for name in ("qd130/guiHoSoXmlQD3176", "qd130/checkInKcbQd3176"):
        body = urlencode(claim).encode()
        reply = ask(doors, "POST", f"/api/{name}", body=body, headers=headers)
        assert reply.json["maKetQua"] == "200"
        assert reply.json["thoiGianTiepNhan"] == "20261122091200"
    assert len(receipts.files()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"maCSKCB":"00001","files":[]}',
        b'{"maCSKCB":"00001","files":[1]}',
        b'{"maCSKCB":"00001"}',
        b"\xff\xfe",
    ],
)
def test_a_call_that_is_not_as_published_is_refused_with_the_reason(
    doors: Doors, token: str, body: bytes
) -> None:
    reply = ask(doors, "POST", SEND, body=body, headers=bearer(token))
    assert reply.status == 400
    assert reply.json["maLoi"] == "bad-call"
    assert reply.json["thongDiep"]


def test_a_body_beyond_the_limit_is_refused_before_it_is_read_whole(
    doors: Doors, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "BODY_BYTES_MAX", 1000)
    reply = ask(doors, "POST", SEND, body=b"x" * 5000, headers=bearer(token), piece=400)
    assert reply.status == 413


def test_wrong_passwords_and_unknown_paths_have_their_answers(doors: Doors, token: str) -> None:
    wrong = json.dumps({"username": "his-mau", "password": "no"}).encode()
    assert ask(doors, "POST", "/api/auth/login", body=wrong).status == 401
    nul = json.dumps({"username": "his-mau\0", "password": "\0"}).encode()
    assert ask(doors, "POST", "/api/auth/login", body=nul).status == 401
    assert ask(doors, "POST", "/api/token/take", body=b"username=%00&password=x").status == 401
    for body in (b'{"username":"\xff","password":"x"}', b"[" * 10_000):
        assert ask(doors, "POST", "/api/auth/login", body=body).status == 400
    assert ask(doors, "GET", SEND).status == 405
    assert ask(doors, "GET", "/api/none").status == 404


def test_logins_and_files_are_in_the_trail(
    doors: Doors, accounts: Accounts, trail: Trail, send: Callable[..., Reply]
) -> None:
    send([encoded(CLAIM), "???"])
    for name in ("his-mau", "Nguyễn Văn Mẫu"):
        login = {"username": name, "password": "wrong"}
        assert ask(doors, "POST", "/api/auth/login", body=json.dumps(login).encode()).status == 401
    deeds = [entry.deed for entry in reversed(trail.find(ALL, Wanted()).entries)]
    assert [
        (deed.interaction, deed.caller, deed.outcome, deed.code, deed.resources) for deed in deeds
    ] == [
        ("login", "his-mau", Outcome.SUCCESS, "", 0),
        ("receive", "his-mau", Outcome.SUCCESS, "", 1),
        ("login", "his-mau", Outcome.REFUSED, "login-refused", 0),
        ("login", "", Outcome.REFUSED, "login-refused", 0),
    ]
    assert {deed.organisation for deed in deeds[:2]} == {"Organization/00001"}
