"""The pages of registers: found by POST, shown with the licence's state, in both languages."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from tests.support.web_services import fake_services
from trucyte.web.app import make_app


@pytest.fixture
def client() -> TestClient:
    return TestClient(make_app(fake_services()))


def test_a_search_shows_the_state_of_each_licence(client: TestClient) -> None:
    page = client.post("/registers", data={"register-words": "Mẫu"})
    assert page.status_code == 200
    assert "Nguyễn Thị Mẫu" in page.text
    assert "giấy phép đang có hiệu lực" in page.text
    english = client.post("/registers?lang=en", data={"register-words": "Trần Văn Thử"})
    assert "licence was revoked" in english.text


@pytest.mark.parametrize("words", ["", " ", "x"])
def test_one_letter_is_asked_for_more(client: TestClient, words: str) -> None:
    page = client.post("/registers", data={"register-words": words})
    assert page.status_code == 422
    assert "Hãy gõ ít nhất hai chữ." in page.text


def test_what_is_sent_is_text_on_the_page(client: TestClient) -> None:
    page = client.post("/registers", data={"register-words": "<script>x</script>" + "a" * 5000})
    assert page.status_code == 200
    assert "<script>x" not in page.text


def test_who_lost_the_licence_is_said_to_sign_nothing(client: TestClient) -> None:
    page = client.get("/registers/practitioners/dr-2").text
    for words in ("Nút này không nhận chữ ký", "Thu hồi giấy phép", "Đình chỉ hành nghề",
                  "01/10/2026", "000002/MAU-GPHN"):  # fmt: skip
        assert words in page, words


def test_a_facility_shows_what_it_has_and_what_it_was(client: TestClient) -> None:
    page = client.get("/registers/facilities/o5").text
    for words in ("8930000000019", "Tiêm chủng", "https://mau.example/fhir", "Trước đây là",
                  "Trạm Y tế Xã Thử Một"):  # fmt: skip
        assert words in page, words
    assert "Nay là" in client.get("/registers/facilities/o3").text


@pytest.mark.parametrize("path", ["practitioners/none", "facilities/none", "facilities/%00"])
def test_who_is_not_here_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(f"/registers/{path}").status_code == 404


def test_a_node_without_registers_says_so() -> None:
    client = TestClient(make_app(replace(fake_services(), registers=None)))
    assert client.get("/registers").status_code == 501


def test_facilities_are_called_by_name_where_it_is_known() -> None:
    services = fake_services()
    named = replace(services.settings, facility_name={"00005": "Trạm Y tế Xã Mẫu Mới"}.get)
    page = TestClient(make_app(replace(services, settings=named))).get(
        "/registers/practitioners/dr-1"
    )
    assert "Trạm Y tế Xã Mẫu Mới" in page.text
    bare = TestClient(make_app(services)).get("/registers/practitioners/dr-1")
    assert "cơ sở 00005" in bare.text
