"""Breaking the glass at the pages: who is offered it, what it opens, and who reviews it."""

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from tests.conftest import fresh_database
from tests.support.asgi import Reply, ask
from tests.support.web_services import NOW, SilentRecorder, fake_access, fake_services
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.records.access import Access
from trucyte.shared.access.emergency import Emergencies, Emergency
from trucyte.shared.access.policy import Decider, load_book
from trucyte.shared.access.subject import LOCAL, NOBODY, Subject
from trucyte.web.app import make_app
from trucyte.web.doorway import Visitor
from trucyte.web.glass.glass import Found, Glass

FORM = {"content-type": "application/x-www-form-urlencoded"}
REASON = "bất tỉnh, cần biết dị ứng"
OWN = "Organization/own"
PEOPLE = {
    "doctor": Subject("bs01", "staff", frozenset({"doctor"}), OWN, (), "Practitioner/a"),
    "nurse": Subject("dd01", "staff", frozenset({"nurse"}), OWN, ("Location/w",)),
    "registrar": Subject("td01", "staff", frozenset({"registrar"}), OWN),
    "security_officer": Subject("at01", "staff", frozenset({"security_officer"}), OWN),
    "auditor": Subject("kt01", "staff", frozenset({"auditor"}), OWN),
    "both": Subject("bs02", "staff", frozenset({"doctor", "security_officer"}), OWN),
    "local": LOCAL,
    "nobody": NOBODY,
}


@dataclass
class FakeDoorway:
    """Tells who is before a page by the cookie `who`."""

    def visitor(self, request: Request) -> Visitor:
        return Visitor(PEOPLE[request.cookies.get("who", "nobody")], form_key="key")

    def worked(self, visitor: Visitor) -> None:
        pass


@dataclass
class Site:
    pages: object
    emergencies: Emergencies
    clock: FixedClock
    asked: list[tuple[str, str]]  # account and purpose of each access

    def get(self, who: str, address: str, language: str = "vi") -> Reply:
        cookie = f"who={who}; language={language}"
        return ask(self.pages, "GET", address, headers={"cookie": cookie})

    def post(self, who: str, address: str, **fields: str) -> Reply:
        body = urlencode(fields | {"csrf": "key"}).encode()
        return ask(self.pages, "POST", address, body=body, headers=FORM | {"cookie": f"who={who}"})


@pytest.fixture(scope="module")
def shared(server_url: str, migrated_template: str) -> Iterator[Database]:
    with fresh_database(server_url, template=migrated_template) as database:
        yield database


@pytest.fixture
def site(shared: Database) -> Site:
    with shared.connection() as connection:
        connection.execute("truncate access.emergency, access.alert")
    clock, decider, asked = FixedClock(NOW), Decider(load_book()), []

    def check(subject: Subject, emergency: Emergency) -> None:
        decider.access(subject, "ETREAT", SilentRecorder(), door="pages", emergency=emergency)

    def access(subject: Subject, emergency: Emergency) -> Access:
        check(subject, emergency)
        asked.append((subject.account, "ETREAT"))
        return replace(fake_access(subject, "ETREAT"), sees_restricted=True)

    def plain(subject: Subject, purpose: str) -> Access:
        asked.append((subject.account, purpose))
        return fake_access(subject, purpose)

    emergencies = Emergencies(shared, clock, check=check)
    people = {"000085000001": Found("p1", 1), "p1": Found("p1", 1)}
    glass = Glass(emergencies, access, people.get, people.get)
    services = replace(
        fake_services(), glass=glass, clock=clock, access=plain, doorway=FakeDoorway()
    )
    return Site(make_app(services), emergencies, clock, asked)


def text(reply: Reply) -> str:
    return html.unescape(reply.body.decode())


def opened(site: Site, who: str = "doctor", address: str = "/people/p1/emergency") -> Reply:
    return site.post(who, address, ground="life", reason=REASON, number="000085000001")


def test_the_form_says_what_it_means_in_both_languages(site: Site) -> None:
    assert "Người bệnh được báo" in text(site.get("doctor", "/people/p1/emergency"))
    page = text(site.get("nurse", "/emergency", "en"))
    assert "The person is told" in page and 'name="number"' in page


def test_opening_leads_to_the_record_under_the_emergency(site: Site) -> None:
    reply = opened(site)
    assert reply.status == 303
    where = reply.headers["location"]
    (one,) = site.emergencies.waiting()
    assert where == f"/people/p1?emergency={one.number}"
    site.asked.clear()
    page = text(site.get("doctor", where))
    assert "Bạn đang đọc hồ sơ này trong trường hợp khẩn cấp" in page
    assert f"?emergency={one.number}" in page  # visits are opened under it as well
    assert {purpose for _, purpose in site.asked} == {"ETREAT"}
    assert REASON not in where and "000085000001" not in where


def test_an_emergency_serves_its_opener_alone_and_its_time_alone(site: Site) -> None:
    where = opened(site).headers["location"]
    site.asked.clear()
    site.get("nurse", where)
    assert ("dd01", "ETREAT") not in site.asked
    for nonsense in ("0", "-1", "x", "9" * 30, "1%00", "999999"):
        site.get("doctor", f"/people/p1?emergency={nonsense}")
    assert not [purpose for _, purpose in site.asked if purpose == "ETREAT"]
    site.clock.advance(site.emergencies.waiting()[0].until - site.clock.now())
    site.get("doctor", where)
    assert not [purpose for _, purpose in site.asked if purpose == "ETREAT"]


def test_who_opened_ends_it_at_once(site: Site) -> None:
    where = opened(site).headers["location"]
    number = where.partition("=")[2]
    assert site.post("nurse", f"/emergencies/{number}/end").status == 404
    assert site.post("doctor", f"/emergencies/{number}/end").status == 303
    assert "trường hợp khẩn cấp" not in text(site.get("doctor", where))


def test_a_person_is_found_by_a_number_on_paper(site: Site) -> None:
    reply = opened(site, "nurse", "/emergency")
    assert reply.headers["location"].startswith("/people/p1?emergency=")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ground": "", "reason": REASON, "number": "000085000001"}, "Hãy chọn một lý do."),
        ({"ground": "fun", "reason": REASON, "number": "000085000001"}, "Hãy chọn một lý do."),
        ({"ground": "life", "reason": "vội", "number": "000085000001"}, "Hãy nêu lý do"),
        ({"ground": "life", "reason": REASON, "number": ""}, "Hãy nhập một số giấy tờ"),
        ({"ground": "life", "reason": REASON, "number": "12"}, "Không tìm thấy đúng một người"),
    ],
)
def test_a_form_that_says_too_little_comes_back_with_what_was_written(
    site: Site, fields: dict[str, str], says: str
) -> None:
    reply = site.post("doctor", "/emergency", **fields)
    assert reply.status == 422
    assert says in text(reply) and fields["reason"] in text(reply)
    assert site.emergencies.waiting() == []


def test_nobody_else_opens_anything(site: Site) -> None:
    for who in ("registrar", "security_officer", "auditor"):
        assert site.get(who, "/people/p1/emergency").status == 403
        assert opened(site, who).status == 403
    assert site.get("nobody", "/emergency").status == 303
    assert opened(site, "nobody").status == 401
    assert site.emergencies.waiting() == []


def test_a_form_without_its_key_opens_nothing(site: Site) -> None:
    body = urlencode({"ground": "life", "reason": REASON}).encode()
    reply = ask(
        site.pages,
        "POST",
        "/people/p1/emergency",
        body=body,
        headers=FORM | {"cookie": "who=doctor"},
    )
    assert reply.status == 403
    assert site.emergencies.waiting() == []


def test_at_this_machine_without_accounts_it_says_why_not(site: Site) -> None:
    page = text(site.get("local", "/people/p1/emergency"))
    assert (
        "Chỉ bác sĩ và điều dưỡng đã đăng nhập" in page
        and '<button class="button main"' not in page
    )
    page = text(site.get("local", "/people/p1"))
    assert "/people/p1/emergency" not in page


def test_a_denial_offers_it_to_who_treats_whether_there_is_such_a_person_or_not(site: Site) -> None:
    page = text(site.get("doctor", "/people/p99"))
    assert "/people/p99/emergency" in page
    assert "/people/p99/emergency" not in text(site.get("registrar", "/people/p99"))
    assert 'href="/emergency"' in text(site.get("doctor", "/visits/nowhere"))
    assert "/people/p1/emergency" in text(site.get("doctor", "/people/p1"))


def test_the_queue_shows_overdue_ones_first_and_says_so(site: Site) -> None:
    opened(site)
    first = site.emergencies.waiting()[0].number
    site.clock.advance(site.emergencies.waiting()[0].due_at - site.clock.now())
    opened(site, "nurse")
    page = text(site.get("security_officer", "/emergencies"))
    assert page.index(f'id="e{first}"') < page.index(f'id="e{first + 1}"')
    assert page.count(">quá hạn<") == 2  # the figure, and the one that is
    assert REASON in page and "Nguyễn" not in page
    for who in ("doctor", "registrar"):
        assert site.get(who, "/emergencies").status == 403


def test_a_review_needs_a_verdict_and_a_reason_and_is_of_another(site: Site) -> None:
    opened(site, "both")
    number = site.emergencies.waiting()[0].number
    assert "Bạn tự mở lần này" in text(site.get("both", "/emergencies"))
    own = site.post("both", f"/emergencies/{number}", verdict="justified", reason=REASON)
    assert own.status == 422 and "Không ai tự xem xét" in text(own)
    for fields, says in (
        ({"verdict": "justified", "reason": "ừ"}, "Hãy nêu lý do"),
        ({"verdict": "great", "reason": REASON}, "Hãy chọn một kết luận"),
    ):
        reply = site.post("auditor", f"/emergencies/{number}", **fields)
        assert reply.status == 422 and says in text(reply)
    done = site.post("auditor", f"/emergencies/{number}", verdict="unjustified", reason=REASON)
    assert done.status == 303
    page = text(site.get("auditor", "/emergencies"))
    assert "không có lý do chính đáng" in page and "kt01" in page
    late = site.post("auditor", f"/emergencies/{number}", verdict="justified", reason=REASON)
    assert late.status == 422 and "đã được xem xét" in text(late)
    assert (
        site.post("auditor", "/emergencies/99999", verdict="justified", reason=REASON).status == 404
    )
    assert site.post("doctor", f"/emergencies/{number}", verdict="justified").status == 403


def test_what_a_reviewer_reads_is_text_and_no_markup(site: Site) -> None:
    site.post("doctor", "/people/p1/emergency", ground="life", reason="<script>alert(1)</script>")
    assert "<script>alert(1)" not in site.get("auditor", "/emergencies").body.decode()


def test_a_node_without_emergencies_says_so() -> None:
    pages = make_app(fake_services())
    for address in ("/emergency", "/emergencies", "/people/p1/emergency"):
        assert ask(pages, "GET", address).status == 501
