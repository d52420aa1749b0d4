"""What each page says, in both languages."""

import io
import re
from dataclasses import replace

import openpyxl
import pytest

from tests.support.asgi import Reply, ask
from tests.support.web_services import FakeReceipts, fake_services, fake_status
from trucyte.base.problem import Kind, Problem
from trucyte.web.app import make_app
from trucyte.web.handlers.errors import OF_STATUS, STATUS_OF_KIND
from trucyte.web.handlers.upload import base_name
from trucyte.web.services import Services

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def pages():
    return make_app(fake_services())


def read(pages, address: str, language: str = "vi") -> str:
    reply = ask(pages, "GET", address, headers={"cookie": f"language={language}"})
    assert reply.status == 200, reply.status
    return reply.body.decode()


def post(pages, body: str) -> Reply:
    return ask(pages, "POST", "/people", body=body.encode(), headers=FORM)


@pytest.mark.parametrize("address", ["/health", "/parameters", "/registers", "/subscriptions"])
def test_pages_of_the_node_lie_under_its_health(pages, address: str) -> None:
    page = read(pages, address)
    (current,) = re.findall(r'<a href="(/[^"?]*)" aria-current', page)
    assert current == "/health"


@pytest.mark.parametrize(
    ("address", "vi", "en"),
    [
        ("/", "Hôm nay", "Today"),
        ("/files", "Tệp đã nhận", "Received files"),
        ("/upload", "Kéo thả tệp XML vào đây", "Drop XML files here"),
        ("/quarantine", "Tệp bị cắt ngang", "The file breaks off"),
        ("/people", "Tìm người bệnh", "Find a patient"),
        ("/health", "Điểm niêm phong cuối", "Last checkpoint"),
        ("/help", "Phím tắt", "Keys"),
        ("/_styleguide", "Lời nhắc", "Callouts"),
    ],
)
def test_a_page_speaks_both_languages(pages, address: str, vi: str, en: str) -> None:
    assert vi in read(pages, address)
    assert en in read(pages, address, "en")
    assert vi not in read(pages, address, "en")


def test_the_language_asked_for_is_remembered(pages) -> None:
    reply = ask(pages, "GET", "/help?lang=en")
    assert reply.headers["content-language"] == "en"
    assert reply.headers["set-cookie"].startswith("language=en")
    assert ask(pages, "GET", "/help?lang=xx").headers.get("set-cookie") is None


def test_the_start_page_counts_only_today(pages) -> None:
    html = read(pages, "/")
    assert "<dd>6</dd>" in html and "<dd>1.156</dd>" in html
    assert "1 phần không đọc được, đang cách ly" in html
    assert "Điểm niêm phong cuối có chữ ký đúng" in html


def test_the_first_day_says_what_to_do_first() -> None:
    html = read(make_app(fake_services("empty")), "/")
    assert "Kéo thả tệp XML vào đây" in html and 'type="file"' in html


def test_a_finding_is_said_with_its_mend_its_row_and_its_rule(pages) -> None:
    html = read(pages, "/files/8")
    assert "Thành tiền bệnh viện 3.500 khác số lượng × đơn giá là 3.150" in html
    assert "Sửa số lượng, đơn giá hoặc thành tiền trong HIS rồi gửi lại" in html
    assert 'href="/files/8/visits/1#XML2-3"' in html
    assert 'href="/rules/GDV-201"' in html
    assert 'id="XML2-3"' in read(pages, "/files/8/visits/1")
    assert "Căn cứ" in read(pages, "/rules/GDV-201")


def test_graver_findings_stand_first(pages) -> None:
    html = read(pages, "/files/8")
    rules = ("GDV-201", "CTN-A01", "CTN-A03", "DM-icd10")
    order = [html.index(f"/files/8/rules/{rule}") for rule in rules]
    assert order == sorted(order)


def test_a_list_that_is_not_loaded_is_no_error(pages) -> None:
    html = read(pages, "/files/8")
    fold = html[html.index("Chưa kiểm tra vì thiếu danh mục") :]
    assert "1 danh mục" in fold and "Chưa kiểm tra: thiếu danh mục ICD-10" in fold
    assert 'data-value="3"' in html  # of the first visit's four findings one is only unchecked


def test_a_restricted_visit_of_a_file_shows_no_findings(pages) -> None:
    closed = read(pages, "/files/8/visits/77")
    assert "hạn chế" in closed.lower() and "CTN-A01" not in closed
    assert "/visits/77" not in read(pages, "/files/8/rules/GDV-201")
    assert 'href="/visits/v2"' not in read(pages, "/files/8")


def test_the_excel_holds_the_findings_one_may_see(pages) -> None:
    reply = ask(pages, "GET", "/files/8/findings.xlsx")
    assert reply.headers["content-type"].startswith("application/vnd.openxml")
    rows = list(openpyxl.load_workbook(io.BytesIO(reply.body)).worksheets[0].values)
    assert len(rows) > 5
    assert {row[0] for row in rows} >= {1, 12, 40}
    assert 77 not in {row[0] for row in rows}


def test_an_original_with_a_restricted_visit_is_not_given_out(pages) -> None:
    assert ask(pages, "GET", "/files/8/original").status == 403
    assert ask(pages, "GET", "/files/7/original").body == b"<GIAMDINHHS/>"


def test_progress_renews_itself_while_a_file_is_read(pages) -> None:
    moving = read(pages, "/files/7/progress")
    assert 'hx-trigger="every 1500ms"' in moving and "712 / 1.080 hồ sơ" in moving
    still = ask(pages, "GET", "/files/6/progress", headers={"hx-request": "true"})
    assert still.headers["hx-refresh"] == "true" and b"hx-get" not in still.body


def test_a_visit_reads_as_a_clinician_would(pages) -> None:
    html = read(pages, "/visits/v1")
    order = ["Viêm họng cấp, không đặc hiệu; Sốt", "J02.9", "bệnh chính", "R50.9"]
    places = [html.index(words) for words in order]
    assert places == sorted(places)
    assert "12,4" in html and "4,0–10,0" in html and "cao" in html
    assert "1 viên/lần * 2 lần/ngày * 5 ngày" in html and "Uống sau ăn" in html
    assert '10 <span class="soft">viên' in html
    assert "592.026,90" in html and "Quỹ bảo hiểm y tế" in html
    assert "Tỉnh, tiếp xúc tốt. Sốt 38,6 °C." in html
    assert "chưa có kết quả" in html


def test_a_value_without_a_range_of_the_sender_has_none(pages) -> None:
    html = read(pages, "/visits/v1")
    row = html[html.index("Glucose") :].partition("</tr>")[0]
    assert "<svg" not in row and "cao" not in row


def test_a_restricted_visit_is_a_band_and_nothing_else(pages) -> None:
    html = read(pages, "/people/p1")
    assert "05/2026" in html and 'class="restricted"' in html
    assert "/visits/v2" not in html
    reply = ask(pages, "GET", "/visits/v2")
    assert reply.status == 403 and "Nội dung này hạn chế" in reply.body.decode()


def test_a_person_has_a_summary_and_a_timeline(pages) -> None:
    html = read(pages, "/people/p1")
    assert "nam, 41 tuổi" in html and "(15/03/1985)" in html
    assert "còn hạn đến 31/12/2026" in html
    assert html.index("J02.9") < html.index("J18.9") < html.index("I10")
    assert "5 đêm" in html and "cấp cứu" in html


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("name=m%E1%BA%ABu&year=1985", ["p1", "p2"]),
        ("number=000085000001", ["p1"]),
        ("words=GD4000000000001", ["p1"]),
        ("words=nguy%E1%BB%85n+1985", ["p1", "p2", "p3"]),
        ("words=0000+8500+0001", ["p1"]),
        ("name=kh%C3%B4ng+c%C3%B3", []),
    ],
)
def test_people_are_found_by_name_year_or_number(pages, form: str, found: list[str]) -> None:
    html = post(pages, form).body.decode()
    assert [id for id in ("p1", "p2", "p3", "p4") if f'href="/people/{id}"' in html] == found


@pytest.mark.parametrize(
    ("form", "words"),
    [("year=85&name=An", "Năm sinh phải có bốn chữ số"), ("", "Hãy gõ họ tên"), ("name=a", "gõ")],
)
def test_a_search_that_cannot_be_asked_says_how_to_mend_it(pages, form: str, words: str) -> None:
    reply = post(pages, form)
    assert reply.status == 422
    assert words in reply.body.decode() and 'aria-invalid="true"' in reply.body.decode()


def test_nobody_found_says_what_to_try(pages) -> None:
    assert "Thử bớt chữ trong tên" in post(pages, "name=zzzz").body.decode()


@pytest.mark.parametrize("address", ["/nope", "/files/999", "/visits/none", "/people/none"])
def test_what_is_not_here_is_said_plainly(pages, address: str) -> None:
    reply = ask(pages, "GET", address)
    assert reply.status == 404 and "Không có trang này" in reply.body.decode()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_problem_has_a_page(kind: Kind) -> None:
    class Trouble(Problem):
        """Something."""

    Trouble.kind = kind

    def troubled() -> None:
        raise Trouble

    reply = ask(make_app(replace(fake_services(), status=troubled)), "GET", "/health")
    assert reply.status == STATUS_OF_KIND[kind]
    assert OF_STATUS[reply.status].title in reply.body.decode()


def test_a_page_shows_while_the_database_is_away() -> None:
    away = replace(
        fake_status(),
        position=None,
        accepted_at=None,
        rates=(),
        checkpoint=None,
        database_version=None,
        database_bytes=None,
    )
    services: Services = replace(fake_services(), status=lambda: away)
    html = read(make_app(services), "/health")
    assert "Cơ sở dữ liệu chưa trả lời" in html and "chưa đọc được" in html


def test_a_wrong_checkpoint_is_the_first_thing_said() -> None:
    status = fake_status()
    assert status.checkpoint
    broken = replace(status, checkpoint=replace(status.checkpoint, is_valid=False))
    services = replace(fake_services(), status=lambda: broken)
    html = read(make_app(services), "/")
    assert html.index("Cần chú ý") < html.index("Chữ ký của điểm niêm phong cuối không đúng")


def upload(pages, *files: tuple[str, bytes], accept: str = "") -> Reply:
    boundary = "----pages"
    parts = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        f"Content-Type: text/xml\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files
    )
    body = parts + f"--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", "accept": accept}
    return ask(pages, "POST", "/files", body=body, headers=headers)


def test_a_file_sent_by_the_form_is_kept_whole() -> None:
    receipts = FakeReceipts()
    pages = make_app(replace(fake_services(), receipts=receipts))
    data = bytes(range(256)) * 9000
    reply = upload(pages, ("hồ sơ.xml", data))
    assert reply.status == 303 and reply.headers["location"] == "/files/9"
    assert receipts.bodies == {9: data}
    assert receipts.file(9).door == "upload" and receipts.file(9).name == "hồ sơ.xml"


def test_several_files_lead_to_the_list_and_the_same_bytes_to_the_same_file() -> None:
    pages = make_app(fake_services())
    assert upload(pages, ("a.xml", b"a"), ("b.xml", b"b")).headers["location"] == "/files"
    assert upload(pages, ("again.xml", b"a")).headers["location"] == "/files/9"


def test_a_script_is_told_where_its_file_is() -> None:
    reply = upload(make_app(fake_services()), ("a.xml", b"a"), accept="application/json")
    assert reply.status == 201 and reply.json == {"files": [9]}


def test_an_empty_form_says_so(pages) -> None:
    reply = upload(pages, ("", b""))
    assert reply.status == 422 and "Chưa chọn tệp nào" in reply.body.decode()


def test_a_form_that_is_too_large_is_refused_before_it_is_read() -> None:
    services = fake_services()
    small = replace(services, settings=replace(services.settings, upload_bytes_max=10))
    assert upload(make_app(small), ("a.xml", b"x" * 100)).status == 413


def test_a_form_without_files_is_small(pages) -> None:
    assert post(pages, "name=" + "x" * 140_000).status == 413


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\HIS\\a.xml", "a.xml"),
        ("../../etc/passwd", "passwd"),
        ("a\x00\n.xml", "a.xml"),
        ("", "unnamed"),
        ("x" * 999, "x" * 200),
    ],
)
def test_only_the_base_name_of_a_file_is_kept(sent: str, kept: str) -> None:
    assert base_name(sent) == kept


def test_other_doors_stand_beside_the_pages() -> None:
    async def door(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    pages = make_app(fake_services(), {"/fhir": door})
    assert ask(pages, "GET", "/fhir/Patient").body == b"/fhir/Patient"
    assert ask(pages, "GET", "/fhir").status == 299
    assert ask(pages, "GET", "/fhirs").status == 404
    assert "content-security-policy" not in ask(pages, "GET", "/fhir").headers
