"""The pages of who is who: what they show, what they hide, and forms that mean no good."""

import html
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Reply, ask
from tests.support.web_identity import FakeIdentityBook
from tests.support.web_services import fake_access, fake_services
from trucyte.shared.identity.newcomers import PairState
from trucyte.web.app import make_app

FORM = {"content-type": "application/x-www-form-urlencoded"}
NAMES = ("Nguyễn Văn Mẫu", "NGUYEN VAN MAU", "Trần Thị", "000085000001", "0900000001")


@pytest.fixture
def book() -> FakeIdentityBook:
    return FakeIdentityBook()


@pytest.fixture
def pages(book: FakeIdentityBook):
    return make_app(replace(fake_services(), identity=book))


def read(pages, address: str, language: str = "vi", status: int = 200) -> str:
    reply = ask(pages, "GET", address, headers={"cookie": f"language={language}"})
    assert reply.status == status, reply.status
    return html.unescape(reply.body.decode())


def post(pages, address: str, headers: dict[str, str] | None = None, **fields: str) -> Reply:
    body = urlencode(fields).encode()
    return ask(pages, "POST", address, body=body, headers=FORM | (headers or {}))


def decide(pages, number: int, verdict: str, **more: str) -> Reply:
    return post(pages, f"/identity/pairs/{number}/decide", verdict=verdict, **more)


def test_the_list_shows_what_agrees_and_nobody(pages) -> None:
    for language, words in (("vi", "Ngày sinh"), ("en", "Birth date")):
        page = read(pages, "/identity", language)
        assert words in page
        assert not [name for name in NAMES if name in page]


def test_the_oldest_pair_stands_first_and_the_day_is_counted(pages) -> None:
    page = read(pages, "/identity")
    assert page.index("/identity/pairs/1") < page.index("/identity/pairs/3")
    assert 'max="15" value="12"' in page and "Trạm Y tế Xã Mẫu Mới" in page


def test_a_pair_says_what_agrees_and_what_differs_in_words(pages) -> None:
    page = read(pages, "/identity/pairs/1")
    assert "giống nhau, một bên viết không dấu" in page and "lệch một hai chữ số" in page
    assert "Số bảo hiểm xã hội (thẻ BHYT): giống hệt" in page
    english = read(pages, "/identity/pairs/1", "en")
    assert "the same, one written without marks" in english and "Personal number" in english


def test_numbers_that_agree_or_stand_alone_are_masked_and_those_that_differ_whole(pages) -> None:
    page = read(pages, "/identity/pairs/1")
    assert "0900000001" not in page and "4000000000" not in page and "•••• 0001" in page
    assert '<mark class="other">17</mark>' in page  # of ...0017 beside ...0001
    alone = read(pages, "/identity/pairs/2")
    assert "000190000002" not in alone and "•••• 0002" in alone


def test_hostile_names_are_text_and_are_cut(pages) -> None:
    page = ask(pages, "GET", "/identity/pairs/3").body.decode()
    assert "&lt;b&gt;Lê&lt;/b&gt;" in page and "<b>" not in page
    assert len(page) < 20_000


def test_no_address_of_these_pages_holds_anything_of_a_person(pages) -> None:
    for address in ("/identity", "/identity/pairs/1", "/people/p4/links/q1"):
        page = read(pages, address)
        addresses = [part.split('"')[0] for part in page.split('href="')[1:]]
        assert not [a for a in addresses for name in NAMES if name in a]


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        ("link", PairState.LINKED), ("differ", PairState.DIFFERENT), ("later", PairState.LATER),
    ],
)  # fmt: skip
def test_a_decision_is_kept_and_the_next_pair_comes(pages, book, verdict: str, state) -> None:
    reply = decide(pages, 1, verdict, note="" if verdict == "later" else "đã hỏi", facility="o5")
    assert reply.status == 303
    assert reply.headers["location"] == "/identity/pairs/2?done=1&facility=o5"
    assert book.pairs[1].state is state
    assert "Đã ghi cặp 1" in read(pages, reply.headers["location"])


def test_after_the_last_pair_the_list_comes(pages) -> None:
    for number in (1, 2, 3):
        reply = decide(pages, number, "differ")
    assert reply.headers["location"] == "/identity?done=3"
    assert "Không có cặp nào đang chờ" in read(pages, "/identity?done=3")


def test_a_pair_decided_meanwhile_shows_by_whom_and_keeps_what_was_written(pages, book) -> None:
    decide(pages, 1, "link", note="trước")
    reply = decide(pages, 1, "differ", note="sau")
    page = html.unescape(reply.body.decode())
    assert reply.status == 409
    assert "Cặp này vừa được quyết định" in page and "trước" in page and "sau" in page
    assert book.pairs[1].state is PairState.LINKED


def test_somebody_elses_pair_is_not_there(book) -> None:
    def elsewhere(subject, purpose: str):
        return replace(
            fake_access(subject, purpose), sees_organisations=frozenset({"Organization/x"})
        )

    pages = make_app(replace(fake_services(), identity=book, access=elsewhere))
    assert "Cặp 1" not in read(pages, "/identity?done=1")
    read(pages, "/identity/pairs/1", status=404)
    assert decide(pages, 1, "link").status == 404
    assert post(pages, "/identity/pairs/1/revise", was="linked", reason="x").status == 404
    assert book.pairs[1].state is PairState.OPEN


@pytest.mark.parametrize("letter", ["a", "ấ"])
def test_a_note_of_ten_thousand_letters_is_refused_and_not_lost(pages, book, letter: str) -> None:
    reply = decide(pages, 1, "link", note=letter * 10_000)
    page = html.unescape(reply.body.decode())
    assert reply.status == 422
    assert "10 000" in page and letter * 10_000 in page
    assert book.pairs[1].state is PairState.OPEN


def test_a_note_with_what_is_put_off_is_given_back(pages, book) -> None:
    reply = decide(pages, 1, "later", note="gọi lại chiều nay")
    assert reply.status == 422 and "gọi lại chiều nay" in reply.body.decode()
    assert book.pairs[1].state is PairState.OPEN


@pytest.mark.parametrize("verdict", ["", "unlink", "LINK", "link\0", "<script>", "link,differ"])
def test_a_form_without_a_verdict_decides_nothing(pages, book, verdict: str) -> None:
    expected = 303 if verdict == "link\0" else 400  # a NUL is no letter
    assert decide(pages, 1, verdict).status == expected
    assert (book.pairs[1].state is PairState.OPEN) == (expected == 400)


def test_a_form_of_another_site_decides_nothing(pages, book) -> None:
    for headers in ({"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}):
        reply = post(pages, "/identity/pairs/1/decide", headers, verdict="link")
        assert reply.status == 403
        reply = post(pages, "/people/p4/links/q1", headers, reason="x")
        assert reply.status == 403
    assert book.pairs[1].state is PairState.OPEN and book.joined


@pytest.mark.parametrize("address", ["/identity/pairs/1/decide", "/identity/pairs/1/revise"])
def test_looking_decides_nothing(pages, address: str) -> None:
    assert ask(pages, "GET", address).status == 405


@pytest.mark.parametrize(
    "address",
    [
        "/identity/pairs/0", "/identity/pairs/99", f"/identity/pairs/{10**30}",
        "/identity/pairs/-1", "/identity/pairs/one", "/people/p4/links/nobody",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_so(pages, address: str) -> None:
    read(pages, address, status=404)


@pytest.mark.parametrize(
    "query",
    ["?show=x", "?after=-1", f"?after={'9' * 400}", "?facility=../..", "?facility=%00", "?done=x",
     f"?done={'9' * 30}", "?facility=" + "a" * 5000, "?after=٣"],
)  # fmt: skip
def test_strange_addresses_show_the_plain_list(pages, query: str) -> None:
    assert "Cặp 1" in read(pages, f"/identity{query}")


def test_a_link_is_undone_with_a_reason_alone(pages, book) -> None:
    decide(pages, 1, "link")
    assert post(pages, "/identity/pairs/1/revise", was="linked", reason=" ").status == 422
    assert book.pairs[1].state is PairState.LINKED
    reply = post(pages, "/identity/pairs/1/revise", was="linked", reason="nhầm cha với con")
    assert (reply.status, book.pairs[1].state) == (303, PairState.BROKEN)
    page = read(pages, "/identity/pairs/1")
    assert "nhầm cha với con" in page and "đã gỡ ghép" in page and "Thực ra là một người" in page


def test_what_changed_since_it_was_seen_is_not_undone(pages, book) -> None:
    decide(pages, 1, "link")
    reply = post(pages, "/identity/pairs/1/revise", was="different", reason="x")
    assert (reply.status, book.pairs[1].state) == (409, PairState.LINKED)
    for was in ("", "open", "withdrawn", "x"):
        assert post(pages, "/identity/pairs/1/revise", was=was, reason="x").status == 400


def test_the_decided_list_says_who(pages) -> None:
    decide(pages, 1, "link")
    page = read(pages, "/identity?show=decided")
    assert "Cặp 1" in page and "một người" in page and "test" in page


def test_a_person_is_shown_with_the_other_records_and_why(pages) -> None:
    page = read(pages, "/people/p4")
    assert "Cũng được ghi là" in page and "NGUYEN VAN MAU" in page
    assert "Cùng số bảo hiểm" in page and "máy, theo quy tắc và mô hình" in page
    assert "000085000017" not in page and "/people/p4/links/q1" in page
    assert "Cũng được ghi là" not in read(pages, "/people/p1")


def test_records_are_parted_from_the_person_with_a_reason(pages, book) -> None:
    assert "đã gọi điện hỏi" in read(pages, "/people/p4/links/q1")
    assert post(pages, "/people/p4/links/q1", reason="").status == 422
    assert post(pages, "/people/p4/links/q1", reason="a" * 10_000).status == 422
    assert post(pages, "/people/p4/links/other", reason="x").status == 404
    book.joined = {"p4": "q1"}
    reply = post(pages, "/people/p4/links/q1", reason="hai người")
    assert (reply.status, reply.headers["location"]) == (303, "/people/p4")
    assert "Cũng được ghi là" not in read(pages, "/people/p4")


def test_a_node_that_matches_nobody_says_so() -> None:
    pages = make_app(replace(fake_services(), identity=None))
    read(pages, "/identity", status=501)
    read(pages, "/people/p4")
