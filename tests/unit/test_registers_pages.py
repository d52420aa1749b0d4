"""The pages of registers: found by POST, shown with the licence's state, in both languages."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.asgi import Reply, ask
from tests.support.web_services import fake_services
from trucyte.web.app import make_app

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def pages() -> Any:
    return make_app(fake_services())


def find(pages: Any, words: str, query: str = "") -> Reply:
    body = urlencode({"register-words": words}).encode()
    return ask(pages, "POST", f"/registers{query}", body=body, headers=FORM)


def read(pages: Any, address: str) -> str:
    reply = ask(pages, "GET", address)
    assert reply.status == 200, reply.status
    return reply.body.decode()


def test_a_search_shows_the_state_of_each_licence(pages: Any) -> None:
    page = find(pages, "Mẫu")
    assert page.status == 200
    assert "Nguyễn Thị Mẫu" in page.body.decode()
    assert "giấy phép đang có hiệu lực" in page.body.decode()
    assert "licence was revoked" in find(pages, "Trần Văn Thử", "?lang=en").body.decode()


@pytest.mark.parametrize("words", ["", " ", "x"])
def test_one_letter_is_asked_for_more(pages: Any, words: str) -> None:
    page = find(pages, words)
    assert page.status == 422
    assert "Hãy gõ ít nhất hai chữ." in page.body.decode()


def test_what_is_sent_is_text_on_the_page(pages: Any) -> None:
    page = find(pages, "<script>x</script>" + "a" * 5000)
    assert page.status == 200
    assert b"<script>x" not in page.body


def test_who_lost_the_licence_is_said_to_sign_nothing(pages: Any) -> None:
    page = read(pages, "/registers/practitioners/dr-2")
    for words in ("Nút này không nhận chữ ký", "Thu hồi giấy phép", "Đình chỉ hành nghề",
                  "01/10/2026", "000002/MAU-GPHN"):  # fmt: skip
        assert words in page, words
    assert "Đúng đến" not in page


def test_a_facility_shows_what_it_has_and_what_it_was(pages: Any) -> None:
    page = read(pages, "/registers/facilities/o5")
    for words in ("8930000000019", "Tiêm chủng", "https://mau.example/fhir", "Trước đây là",
                  "Trạm Y tế Xã Thử Một"):  # fmt: skip
        assert words in page, words
    assert "Nay là" in read(pages, "/registers/facilities/o3")


def test_a_facility_in_a_merged_commune_shows_the_unit_of_today(pages: Any) -> None:
    page = read(pages, "/registers/facilities/o5")
    assert "Nay thuộc" in page and page.count("Phường Hai Bà Trưng, Thành phố Hà Nội") == 2
    assert "Nay thuộc" not in read(pages, "/registers/facilities/o3")  # nothing is known


def test_the_first_day_says_how_lists_come_in() -> None:
    assert "trucyte registers import" in read(make_app(fake_services("empty")), "/registers")


@pytest.mark.parametrize("path", ["practitioners/none", "facilities/none"])
def test_who_is_not_here_is_not_found(pages: Any, path: str) -> None:
    assert ask(pages, "GET", f"/registers/{path}").status == 404


def test_a_node_without_registers_says_so() -> None:
    bare = make_app(replace(fake_services(), registers=None))
    assert ask(bare, "GET", "/registers").status == 501


def test_facilities_are_called_by_name_where_it_is_known(pages: Any) -> None:
    services = fake_services()
    names = {"00005": "Trạm Y tế Xã Thử Tên"}
    settings = replace(services.settings, facility_name=lambda code: names.get(code, ""))
    named = make_app(replace(services, settings=settings))
    assert "Trạm Y tế Xã Thử Tên" in read(named, "/registers/practitioners/dr-1")
    assert "cơ sở 00005" in read(pages, "/registers/practitioners/dr-1")
