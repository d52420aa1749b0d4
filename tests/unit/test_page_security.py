"""What protects a page: no inline code, strange hosts and foreign forms refused, text escaped."""

import re
from dataclasses import replace

import pytest
from lxml import etree, html

from tests.support.asgi import Reply, ask
from tests.support.web_records import HOSTILE
from tests.support.web_services import FakeReceipts, fake_services, received
from trucyte.base.tracing import Event
from trucyte.web import app as web_app
from trucyte.web.app import PAGES, make_app

ADDRESSES = [
    "/",
    "/files",
    "/files/8",
    "/files/7",
    "/files/8/visits/1",
    "/files/8/rules/CTN-A01",
    "/rules/CTN-A01",
    "/quarantine",
    "/upload",
    "/people",
    "/people/p1",
    "/people/p4",
    "/visits/v1",
    "/visits/v2",
    "/health",
    "/help",
    "/_styleguide",
    "/nope",
]
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def pages():
    return make_app(fake_services())


def find(pages, body: str, **headers: str) -> Reply:
    return ask(pages, "POST", "/people", body=body.encode(), headers={**FORM, **headers})


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_holds_inline_code_or_style(pages, address: str) -> None:
    root = html.fromstring(ask(pages, "GET", address).body)
    assert [one for one in root.iter("script") if one.get("src") is None] == []
    assert list(root.iter("style")) == []
    for element in root.iter(etree.Element):
        for name, value in element.items():
            assert not name.startswith("on") and name != "style"
            assert not value.strip().lower().startswith("javascript:")


@pytest.mark.parametrize("address", [*ADDRESSES, "/static/x/app.css", "/static/x/none"])
def test_every_answer_carries_the_headers(pages, address: str) -> None:
    headers = ask(pages, "GET", address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_pages_are_not_kept_and_static_files_are(pages) -> None:
    page = ask(pages, "GET", "/people/p1")
    assert page.headers["cache-control"] == "no-store"
    found = re.search(r'href="(/static/[^"]+/app.css)"', page.body.decode())
    assert found
    assert "immutable" in ask(pages, "GET", found[1]).headers["cache-control"]
    assert ask(pages, "GET", "/static/older/app.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "", "[::1"])
def test_another_host_name_is_refused(pages, host: str) -> None:
    assert ask(pages, "GET", "/", headers={"host": host}).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:1"])
def test_the_own_host_name_is_answered_under_any_port(pages, host: str) -> None:
    assert ask(pages, "GET", "/", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
    ],
)
def test_a_form_of_another_site_is_refused(pages, headers: dict[str, str]) -> None:
    assert find(pages, "name=Mau", **headers).status == 403
    assert ask(pages, "GET", "/help", headers=headers).status == 200


def test_an_own_form_is_taken(pages) -> None:
    headers = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}
    assert find(pages, "name=Mẫu", **headers).status == 200


def test_a_hostile_name_is_text(pages) -> None:
    for reply in (ask(pages, "GET", "/people/p4"), find(pages, "name=alert")):
        text = reply.body.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "<script>alert" not in text and "<img src=x" not in text
        assert "<bdi>&lt;script&gt;" in text
        assert "\u202e" not in re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]


def test_what_was_typed_comes_back_as_text(pages) -> None:
    text = find(pages, "name=%22%3E%3Cscript%3E&year=%27%3E").body.decode()
    assert 'value="&#34;&gt;&lt;script&gt;"' in text


def test_a_hostile_file_name_is_text_and_cannot_break_a_header() -> None:
    name = HOSTILE[:60] + '\r\nSet-Cookie: a=b"; ./../../etc/passwd'
    services = fake_services()
    receipts = FakeReceipts(received=[received(9, name)])
    pages = make_app(replace(services, receipts=receipts))
    assert "<script>alert" not in ask(pages, "GET", "/files/9").body.decode()
    headers = ask(pages, "GET", "/files/9/original").headers
    assert "set-cookie" not in headers
    disposition = headers["content-disposition"]
    assert disposition.isascii() and "\r" not in disposition and "/" not in disposition[30:]


def test_an_original_never_opens_in_the_browser(pages) -> None:
    headers = ask(pages, "GET", "/files/7/original").headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil", "https://evil", "/\t/evil", "/a?b=c"]
)
def test_preferences_lead_nowhere_else(pages, back: str) -> None:
    body = f"theme=dark&back={back}".encode()
    reply = ask(pages, "POST", "/preferences", body=body, headers=FORM)
    assert reply.status == 303 and reply.headers["location"] == "/"


def test_preferences_are_kept_and_lead_back(pages) -> None:
    reply = ask(pages, "POST", "/preferences", body=b"theme=dark&back=/files/8", headers=FORM)
    assert reply.headers["location"] == "/files/8"
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith("theme=dark") and "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert b'data-theme="dark"' in ask(pages, "GET", "/help", headers={"cookie": "theme=dark"}).body
    assert b'data-theme="system"' in ask(pages, "GET", "/", headers={"cookie": "theme=<x>"}).body


def test_no_log_line_holds_what_was_looked_for(pages, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    find(pages, "name=Nguyen+Marked+Person&number=000085000001")
    ask(pages, "GET", "/people/p1?lang=en&name=Marked")
    told = [f"{line.getMessage()} {line.__dict__}" for line in caplog.records]
    assert told
    assert not [line for line in told if re.search("Marked|000085|Nguy|lang=en|/people/p1", line)]


def test_a_defect_says_sorry_and_logs_its_place_only(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ValueError("secret of Nguyễn Văn Mẫu")

    reply = ask(make_app(replace(fake_services(), status=broken)), "GET", "/health")
    assert reply.status == 500
    assert "secret" not in reply.body.decode() and "Traceback" not in reply.body.decode()
    (line,) = [line for line in caplog.records if line.msg == "web.defect"]
    fields = line.trucyte_fields
    assert fields["reference"] in reply.body.decode()
    assert fields["kind"] == "value-error" and "broken" in fields["place"]
    assert "secret" not in str(line.__dict__)


def test_events_and_pages_have_names_of_their_own() -> None:
    names = [page.name for page in PAGES]
    assert len(set(names)) == len(names)
    assert isinstance(web_app.SERVED, Event)
