"""Files are fetched from allowed places only, and a fetch that broke off goes on."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from trucyte.intake.bulk import fetch as fetching
from trucyte.intake.bulk.fetch import (
    AddressRefused,
    FetchFailed,
    FetchMissing,
    FetchRules,
    check_url,
    fetch,
)

DATA = b"".join(b'{"n":%d}\n' % n for n in range(1000))


class Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str | None]]] = []
    tag = '"one"'
    breaks_at: int | None = None

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Range")))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path != "/file":
            self.send_error(404)
            return
        start = 0
        told = self.headers.get("Range")
        if told and self.headers.get("If-Range") == self.tag:
            start = int(told.removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", self.tag)
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        self.wfile.write(DATA[start : self.breaks_at])

    def log_message(self, *told: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked, Handler.breaks_at, Handler.tag = [], None, '"one"'
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=made.serve_forever)
    thread.start()
    yield f"http://localhost:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


LOCAL = FetchRules(frozenset({"localhost", "127.0.0.1"}), allows_private=True)


def test_a_file_is_fetched(server: str, tmp_path: Path) -> None:
    heard: list[int] = []
    fetch(f"{server}/file", tmp_path / "f", LOCAL, heard.append)
    assert (tmp_path / "f").read_bytes() == DATA
    assert heard[-1] == len(DATA)


def test_a_fetch_that_broke_off_goes_on_behind_what_is_there(server: str, tmp_path: Path) -> None:
    Handler.breaks_at = 5000
    with pytest.raises(FetchFailed):
        fetch(f"{server}/file", tmp_path / "f", LOCAL, lambda count: None)
    Handler.breaks_at = None
    fetch(f"{server}/file", tmp_path / "f", LOCAL, lambda count: None)
    assert (tmp_path / "f").read_bytes() == DATA
    assert [told for _, told in Handler.asked] == [None, "bytes=5000-"]


def test_another_file_under_the_same_url_is_fetched_from_its_beginning(
    server: str, tmp_path: Path
) -> None:
    Handler.breaks_at = 5000
    with pytest.raises(FetchFailed):
        fetch(f"{server}/file", tmp_path / "f", LOCAL, lambda count: None)
    Handler.breaks_at, Handler.tag = None, '"two"'
    fetch(f"{server}/file", tmp_path / "f", LOCAL, lambda count: None)
    assert (tmp_path / "f").read_bytes() == DATA


def test_what_is_missing_is_told(server: str, tmp_path: Path) -> None:
    with pytest.raises(FetchMissing):
        fetch(f"{server}/nothing", tmp_path / "f", LOCAL, lambda count: None)


def test_an_allowed_name_with_a_private_address_is_refused(server: str, tmp_path: Path) -> None:
    rules = FetchRules(frozenset({"localhost"}))
    with pytest.raises(AddressRefused):
        fetch(f"{server}/file", tmp_path / "f", rules, lambda count: None)
    assert Handler.asked == []


@pytest.mark.parametrize("target", ["http://10.0.0.1/x", "file:///etc/passwd", "//evil.example/x"])
def test_a_redirect_is_checked_like_the_first_address(
    server: str, tmp_path: Path, target: str
) -> None:
    with pytest.raises(AddressRefused):
        fetch(f"{server}/to/{target}", tmp_path / "f", LOCAL, lambda count: None)
    assert not (tmp_path / "f").exists()


def test_redirects_end(server: str, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed):
        fetch(f"{server}/to/" * 1 + "/to/" * 9 + "/file", tmp_path / "f", LOCAL, lambda c: None)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1", "fc00::1",
     "::ffff:127.0.0.1", "0.0.0.1", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
def test_every_private_address_is_known(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (address, 443))]
    monkeypatch.setattr(fetching.socket, "getaddrinfo", lambda *a, **k: answer)
    rules = FetchRules(frozenset({"files.example.vn"}))
    place = check_url("https://files.example.vn/x", rules)
    with pytest.raises(AddressRefused):
        fetching._address(place, rules)


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [("files.example.vn", True), ("a.data.example.vn", True), ("data.example.vn", False),
     ("FILES.example.vn", True), ("files.example.vn.evil.com", False), ("evil.com", False)],
)  # fmt: skip
def test_hosts_are_named_whole_or_by_their_domain(host: str, is_allowed: bool) -> None:
    rules = FetchRules(frozenset({"files.example.vn", "*.data.example.vn"}))
    assert rules.allows(host) == is_allowed
