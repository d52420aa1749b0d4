"""Files of a form: whole or not at all, wherever the pieces are cut."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.asgi import Reply, ask
from tests.support.web_services import FakeReceipts, fake_services
from trucyte.web.app import make_app
from trucyte.web.multipart import FILES_MAX

BOUNDARY = "x--boundary"
HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
TRICKY = b"\r\n--x--bound\r\n--\r\n\r\n--" + BOUNDARY.encode()[:-1] + bytes(range(256)) + b"\r\n"


def part(name: str, data: bytes, filename: str | None = "a.xml") -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def send(body: bytes, receipts: FakeReceipts, *, piece: int = 65536, **settings) -> Reply:
    services = fake_services()
    services = replace(services, receipts=receipts, settings=replace(services.settings, **settings))
    return ask(make_app(services), "POST", "/files", body=body, headers=HEADERS, piece=piece)


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 65536])
def test_a_file_arrives_whole_however_it_is_cut(piece: int) -> None:
    receipts = FakeReceipts()
    body = form(part("other", b"passed over", None), part("files", TRICKY), part("files", b""))
    assert send(body, receipts, piece=piece).status == 303
    assert list(receipts.bodies.values()) == [TRICKY, b""]


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_form_that_breaks_off_leaves_nothing(kept: float) -> None:
    receipts = FakeReceipts()
    body = form(part("files", b"x" * 500))
    assert send(body[: int(len(body) * kept)], receipts).status == 400
    assert receipts.bodies == {}


@pytest.mark.parametrize("body", [b"", b"no form at all", b"--x--boundary\r\nbad header\r\n\r\n"])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    assert send(body, FakeReceipts()).status == 400


def test_another_kind_of_body_is_refused() -> None:
    pages = make_app(fake_services())
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(pages, "POST", "/files", body=b"files=x", headers=headers).status == 400


def test_files_wait_in_the_folder_of_the_node_and_leave_nothing_there(tmp_path: Path) -> None:
    receipts = FakeReceipts()
    assert send(form(part("files", b"x")), receipts, upload_folder=tmp_path).status == 303
    assert list(tmp_path.iterdir()) == []
    absent = tmp_path / "absent"
    assert send(form(part("files", b"x")), receipts, upload_folder=absent).status == 500


def test_too_many_files_are_refused() -> None:
    body = form(*[part("files", b"")] * (FILES_MAX + 1))
    assert send(body, FakeReceipts()).status == 413


def test_a_full_disk_is_said_as_such() -> None:
    class Full(FakeReceipts):
        def receive(self, name, door, chunks):
            raise OSError(errno.ENOSPC, "No space left on device")

    reply = send(form(part("files", b"x")), Full())
    assert reply.status == 507 and "Ổ đĩa đã đầy" in reply.body.decode()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("hồ sơ tháng 10.xml", "hồ sơ tháng 10.xml"), ("C:\\HIS\\ra\\a.xml", "a.xml"), ("../a", "a")],
)
def test_a_name_arrives_as_it_was_written(sent: str, kept: str) -> None:
    receipts = FakeReceipts()
    send(form(part("files", b"x", sent)), receipts)
    assert receipts.file(9).name == kept
