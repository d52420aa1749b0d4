"""Logging in at the pages: cookies, locks, forms that keep what was typed, and no way around."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.asgi import Reply
from tests.support.staff import PASSWORD, SHORT, Browser, House, open_house, words
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.records.access import Access
from trucyte.shared.access.staff import totp
from trucyte.shared.access.staff.account import OPERATOR, Rights
from trucyte.shared.access.subject import LOCAL
from trucyte.shared.audit.reading import Wanted

ADDRESSES_OF_OTHERS = (
    "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)",
    "/%09/evil", "/\t/evil", "", "evil", "/login", "/lock", "/a?b=//c", "/" + "a" * 600,
)  # fmt: skip


@pytest.fixture
def house(bare_house: House) -> House:
    bare_house.account("admin", "administrator")
    return bare_house


def entries(house: House) -> list[tuple[str, str, str]]:
    """Return what the trail has of pages: caller, outcome, code; the newest first."""
    access = Access("tests", "TREAT", sees_restricted=False, recorder=house.trail)
    found = house.trail.find(access, Wanted(count=20)).entries
    return [(one.deed.caller, one.deed.outcome.name, one.deed.code) for one in found]


# Where nobody is asked


def test_nobody_is_asked_before_there_is_an_administrator(bare_house: House) -> None:
    browser = bare_house.browser()
    assert browser.get("/").status == 200 and browser.get("/people/p1").status == 200
    login = words(browser.get("/login"))
    assert "chưa có tài khoản nào" in login and "trucyte staff first" in login
    bare_house.account("bs1", "doctor")
    assert browser.get("/people/p1").status == 200
    bare_house.account("admin", "administrator")
    assert browser.get("/people/p1").headers["location"] == "/login?then=/people/p1"


def test_a_node_told_to_always_ask_asks_before_there_is_an_account(
    staff_database: Database, staff_folder: Path, clock: FixedClock, bare_house: House
) -> None:
    with open_house(staff_database, staff_folder, clock, login="always") as house:
        browser = house.browser()
        assert browser.get("/").headers["location"] == "/login"
        assert "trucyte staff first" in words(browser.get("/login"))


def test_the_link_of_the_first_administrator_opens_the_node(bare_house: House) -> None:
    secret = bare_house.book.accounts.first("quantri", "Quản trị", OPERATOR)
    browser, path = bare_house.browser(), f"/login/link/{secret}"
    assert "Quản trị" in words(browser.get(path))
    reply = browser.post(path, at=path, password="ngắn", again="ngắn")
    assert reply.status == 422 and "ít nhất 14 chữ" in words(reply)
    reply = browser.post(path, at=path, password=PASSWORD, again=PASSWORD + "x")
    assert reply.status == 422 and "không giống nhau" in words(reply)
    assert browser.post(path, at=path, password=PASSWORD, again=PASSWORD).status == 303
    assert browser.get(path).status == 404
    assert browser.log_in("quantri", then="/staff").headers["location"] == "/staff"
    assert "Quản trị" in words(browser.get("/staff"))


# Logging in


def test_a_login_leads_to_the_page_asked_for_and_names_who_is_in(house: House) -> None:
    house.account("bs1", "doctor")
    browser = house.browser()
    assert browser.get("/visits/v1").headers["location"] == "/login?then=/visits/v1"
    assert 'name="then" value="/visits/v1"' in browser.get("/login?then=/visits/v1").body.decode()
    assert browser.log_in("bs1", then="/visits/v1").headers["location"] == "/visits/v1"
    page = words(browser.get("/visits/v1"))
    assert "Mẫu bs1" in page and "Đăng xuất" in page
    assert house.noted.logins == [("bs1", "")]


@pytest.mark.parametrize("then", ADDRESSES_OF_OTHERS)
def test_a_login_leads_to_no_other_place(house: House, then: str) -> None:
    assert house.browser().log_in("admin", then=then).headers["location"] == "/"


def test_what_goes_wrong_is_told_without_telling_whether_an_account_exists(house: House) -> None:
    ended = house.book.accounts.add("leaver", "x", Rights(("nurse",)), OPERATOR)
    house.book.logins.set_by_link(ended, PASSWORD)
    house.book.accounts.end("leaver", OPERATOR)
    house.book.accounts.add("invited", "x", Rights(("nurse",)), OPERATOR)
    told = set()
    for name in ("admin", "nobody-here", "leaver", "invited", "", "<b>", "\x00"):
        reply = house.browser(source=f"10.1.1.{len(told)}{len(name)}").log_in(name, "sai rồi")
        assert reply.status == 401
        said = re.sub(r'value="[^"]*"', "", reply.body.decode())
        told.add(said)
    assert len(told) == 1 and "Sai tên hoặc mật khẩu" in told.pop()


def test_a_name_is_given_back_escaped_and_a_password_never(house: House) -> None:
    reply = house.browser().log_in('"><script>', "mat khau bi mat cua toi")
    page = reply.body.decode()
    assert "<script>alert" not in page and '"><script>' not in page
    assert "bi mat" not in page


def test_waits_are_told_and_the_status_says_so(house: House) -> None:
    browser = house.browser()
    statuses = [browser.log_in("admin", "sai rồi").status for _ in range(7)]
    assert statuses[:5] == [401] * 5 and statuses[5] == 429
    assert "thử lại sau" in words(browser.log_in("admin"))


def test_a_session_has_a_new_name_at_every_login(house: House) -> None:
    browser = house.browser()
    planted = "x" * 43
    browser.cookies["trucyte"] = planted  # what someone else chose
    browser.log_in("admin")
    first = browser.cookies["trucyte"]
    assert first != planted
    browser.post("/logout", at="/account")
    browser.log_in("admin")
    assert browser.cookies["trucyte"] not in (first, planted)
    assert house.book.sessions.find(first) is None


def test_a_planted_session_of_another_account_ends_at_the_login(house: House) -> None:
    house.account("mallory", "nurse")
    mallory, victim = house.browser(), house.browser()
    mallory.log_in("mallory")
    cookie = mallory.cookies["trucyte"]
    house.book.sessions.lock(cookie)
    victim.cookies["trucyte"] = cookie
    victim.get("/login")
    key = re.search(r'name="csrf" value="([^"]+)"', victim.get("/lock").body.decode())
    assert key
    reply = victim.post("/login", csrf=key[1], name="admin", password=PASSWORD)
    assert reply.status == 303 and house.book.sessions.find(cookie) is None


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    for scheme, prefix in (("http", ""), ("https", "__Host-")):
        browser = house.browser(scheme=scheme)
        given: list[str] = []
        listen = browser.app

        async def app(scope, receive, send, listen=listen, given=given):
            async def heard(message):
                given.extend(
                    value.decode()
                    for name, value in message.get("headers", ())
                    if name == b"set-cookie"
                )
                await send(message)

            await listen(scope, receive, heard)

        browser.app = app
        assert browser.log_in("admin").status == 303
        assert {one.partition("=")[0] for one in given} == {
            f"{prefix}trucyte", f"{prefix}trucyte-device"
        }  # fmt: skip
        for one in given:
            assert "HttpOnly" in one and "Path=/" in one and "SameSite=lax" in one
            assert "Domain" not in one and ("Secure" in one) is (scheme == "https")


def test_a_plain_cookie_counts_for_nothing_behind_https(house: House) -> None:
    browser = house.browser()
    browser.log_in("admin")
    secure = house.browser(scheme="https", cookies=dict(browser.cookies))
    assert secure.get("/staff").headers["location"] == "/login?then=/staff"


@pytest.mark.parametrize(
    "value", ["", "x", "x" * 43, "x" * 5000, "\xff\xfe", "a.b", "é" * 32 + ".x"]
)
def test_a_strange_cookie_is_nobody(house: House, value: str) -> None:
    browser = house.browser(cookies={"trucyte": value, "trucyte-device": value})
    assert browser.get("/staff").headers["location"] == "/login?then=/staff"


# The second factor


def second_factor(house: House, name: str) -> bytes:
    secret = house.book.factors.begin(name)
    code = totp.code_at(secret, totp.step_of(house.clock.now()))
    house.book.factors.confirm(replace(LOCAL, account=name), code)
    house.clock.advance(timedelta(seconds=30))
    return secret


def test_a_password_alone_opens_nothing_where_a_second_factor_is_on(house: House) -> None:
    secret = second_factor(house, "admin")
    browser = house.browser()
    assert browser.log_in("admin", then="/staff").headers["location"] == "/login/code?then=/staff"
    half = browser.cookies["trucyte"]
    for path in ("/", "/staff", "/account", "/people/p1"):
        assert browser.get(path).headers["location"].startswith("/login")
    assert browser.post("/unlock", at="/login/code", password=PASSWORD).status == 303
    assert browser.get("/staff").status == 303
    wrong = browser.post("/login/code", at="/login/code", code="000000", then="/staff")
    assert wrong.status == 401 and "Mã không đúng" in words(wrong)
    code = totp.code_at(secret, totp.step_of(house.clock.now()))
    right = browser.post("/login/code", at="/login/code", code=code, then="/staff")
    assert right.headers["location"] == "/staff" and browser.cookies["trucyte"] != half
    assert browser.get("/staff").status == 200
    session = house.book.sessions.find(browser.cookies["trucyte"])
    assert session and session.subject.assurance == 2
    assert house.book.sessions.find(half) is None


def test_a_half_login_ends_after_five_wrong_codes_or_five_minutes(house: House) -> None:
    second_factor(house, "admin")
    browser = house.browser()
    browser.log_in("admin")
    for _ in range(4):
        browser.post("/login/code", at="/login/code", code="000000")
    house.clock.advance(timedelta(minutes=20))
    assert browser.get("/login/code").headers["location"] == "/login"
    browser.log_in("admin")
    house.clock.advance(timedelta(minutes=5, seconds=1))
    assert browser.get("/login/code").headers["location"] == "/login"


def test_a_second_factor_is_set_up_at_the_pages_and_its_codes_shown_once(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    refused = browser.post("/account/factor", at="/account", password="sai rồi")
    assert refused.status == 422
    assert browser.get("/account/factor").headers["location"] == "/account"
    assert browser.post("/account/factor", at="/account", password=PASSWORD).status == 303
    page = browser.get("/account/factor").body.decode()
    assert "<svg" in page and "otpauth" not in page
    secret = house.book.factors.pending("bs1")
    assert secret and totp.as_text(secret) in page
    wrong = browser.post("/account/factor/confirm", at="/account/factor", code="1")
    assert wrong.status == 422
    code = totp.code_at(secret, totp.step_of(house.clock.now()))
    shown = browser.post("/account/factor/confirm", at="/account/factor", code=code)
    codes = re.findall(r"<li><code>([^<]+)</code>", shown.body.decode())
    assert len(codes) == 10
    assert "Còn 10 mã khôi phục" in words(browser.get("/account"))
    assert codes[0] not in browser.get("/account").body.decode()
    other = house.browser()
    other.log_in("bs1")
    assert other.post("/login/code", at="/login/code", code=codes[0]).status == 303
    assert other.get("/account").status == 200
    fresh = other.post("/account/recovery", at="/account", password=PASSWORD)
    assert len(re.findall(r"<li><code>", fresh.body.decode())) == 10
    ended = other.post("/account/factor/end", at="/account", password=PASSWORD)
    assert ended.headers["location"] == "/account?done=factor-ended"


# Locks


def lock(house: House) -> None:
    house.clock.advance(timedelta(minutes=15, seconds=1))


def test_who_does_nothing_for_a_quarter_of_an_hour_is_asked_again(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    house.clock.advance(timedelta(minutes=14))
    assert browser.get("/people/p1").status == 200
    house.clock.advance(timedelta(minutes=14))
    assert browser.get("/people/p1").status == 200  # working counts
    lock(house)
    assert browser.get("/people/p1").headers["location"] == "/lock?then=/people/p1"
    page = browser.get("/lock?then=/people/p1")
    assert "Mẫu bs1" in words(page) and "Nguyễn" not in words(page)
    wrong = browser.post("/unlock", at="/lock", password="sai rồi", then="/people/p1")
    assert wrong.status == 401
    before = browser.cookies["trucyte"]
    right = browser.post("/unlock", at="/lock", password=PASSWORD, then="/people/p1")
    assert right.headers["location"] == "/people/p1"
    assert browser.cookies["trucyte"] != before
    assert browser.get("/people/p1").status == 200


def test_a_part_that_renews_itself_is_no_work(house: House) -> None:
    browser = house.logged_in("clerk1", "clerk")
    for _ in range(16):
        house.clock.advance(timedelta(minutes=1))
        part = browser.get("/files/7/progress", **{"hx-request": "true"})
    assert (part.status, part.headers["hx-redirect"]) == (401, "/lock")


def test_who_locks_is_locked_until_the_password(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    assert browser.post("/lock", at="/account").headers["location"] == "/lock"
    assert browser.get("/account").headers["location"] == "/lock?then=/account"
    browser.post("/unlock", at="/lock", password=PASSWORD)
    assert browser.get("/account").status == 200


def test_what_was_typed_comes_back_from_a_locked_session(house: House) -> None:
    browser = house.logged_in("clerk1", "clerk")
    key = browser.form_key("/identity/pairs/1")
    note = 'khác nhà "ở" <Hà Nội>\nhai dòng & thêm'
    lock(house)
    path = "/identity/pairs/1/decide"
    kept = browser.post(path, csrf=key, verdict="differ", note=note)
    assert kept.status == 401 and "chưa mất gì" in words(kept)
    form = kept.body.decode()
    assert f'action="{path}"' in form and "khác nhà &#34;ở&#34; &lt;Hà Nội&gt;\nhai dòng" in form
    assert f'name="csrf" value="{key}"' in form
    browser.post("/unlock", at="/lock", password=PASSWORD)
    assert browser.post(path, csrf=key, verdict="differ", note=note).status == 303


def test_what_was_typed_comes_back_after_the_session_ended(house: House) -> None:
    browser = house.logged_in("clerk1", "clerk")
    key = browser.form_key("/identity/pairs/2")
    house.clock.advance(timedelta(hours=13))
    path = "/identity/pairs/2/decide"
    assert browser.post(path, csrf=key, verdict="link", note="x").status == 401
    browser.log_in("clerk1")
    assert browser.post(path, csrf=key, verdict="link", note="x").status == 303


def test_a_session_ends_after_twelve_hours_however_busy(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    for _ in range(12 * 6 - 1):
        house.clock.advance(timedelta(minutes=10))
        assert browser.get("/").status == 200
    house.clock.advance(timedelta(minutes=10, seconds=1))
    assert browser.get("/").headers["location"] == "/login"


# Forms


def test_a_form_that_does_not_carry_its_key_is_refused_and_entered(house: House) -> None:
    browser, other = house.logged_in("clerk1", "clerk"), house.logged_in("clerk2", "clerk")
    for key in ("", "x", other.form_key("/account"), "é"):
        reply = browser.post("/identity/pairs/1/decide", csrf=key, verdict="differ")
        assert reply.status == 403 and "Chưa nhận biểu mẫu" in words(reply)
        assert entries(house)[0] == ("clerk1", "REFUSED", "form-stale")


def test_logging_in_needs_a_page_of_ours_first(house: House) -> None:
    reply = house.browser().post("/login", name="admin", password=PASSWORD)
    assert reply.status == 403 and "trucyte" not in reply.headers.get("set-cookie", "")


def test_every_form_that_sends_carries_the_key(house: House) -> None:
    browser = house.logged_in("all", "doctor", "clerk", "auditor")
    for path in ("/", "/people", "/people/p1", "/identity/pairs/1", "/upload", "/visits/v1"):
        page = browser.get(path).body.decode()
        forms = re.findall(r'<form[^>]*method="post"[^>]*>(.{80})', page, flags=re.DOTALL)
        assert forms, path
        assert all('name="csrf"' in one for one in forms), path


def upload(browser: Browser, key: str) -> Reply:
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{key}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.xml"\r\n\r\n'
        f"<x/>\r\n--{boundary}--\r\n"
    ).encode()
    kind = f"multipart/form-data; boundary={boundary}"
    sent = {"content-type": kind, "origin": "http://127.0.0.1:8080", "accept": "application/json"}
    return browser._sent("POST", "/files", body, sent)


def test_files_come_with_the_key_too(house: House) -> None:
    browser = house.logged_in("clerk1", "clerk")
    assert upload(browser, "").status == 403
    assert upload(browser, browser.form_key("/upload")).status == 201
    assert upload(house.browser(), "x").status == 401


# Denials, accounts of one's own, administering


def test_a_denial_says_whose_it_is_and_is_entered(house: House) -> None:
    browser = house.logged_in("thungan", "cashier")
    reply = browser.get("/visits/v1")
    assert reply.status == 403 and "Vai trò của bạn không mở trang này" in words(reply)
    assert "Nguyễn" not in words(reply)
    assert entries(house)[0] == ("thungan", "REFUSED", "role-missing")


def test_the_links_of_a_page_are_those_one_may_follow(house: House) -> None:
    for role, shown, hidden in (
        ("doctor", "/people", "/files"),
        ("clerk", "/identity", "/staff"),
        ("administrator", "/staff", "/people"),
    ):
        page = house.logged_in(f"a-{role}", role).get("/").body.decode()
        assert f'<a href="{shown}"' in page and f'<a href="{hidden}"' not in page, role


def test_a_password_is_changed_by_the_old_one_and_other_sessions_end(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    other = house.browser()
    other.log_in("bs1")
    fresh = "bảy hòn sỏi bên suối"
    for old, new, again, words_of_it in (
        ("sai rồi", fresh, fresh, "Sai tên hoặc mật khẩu"),
        (PASSWORD, SHORT, SHORT, "ít nhất 14 chữ"),
        (PASSWORD, fresh, fresh + "x", "không giống nhau"),
        (PASSWORD, "matkhau123456789", "matkhau123456789", "ai cũng thử đầu tiên"),
    ):
        reply = browser.post("/account/password", at="/account", old=old, password=new, again=again)
        assert reply.status == 422 and words_of_it in words(reply)
    reply = browser.post(
        "/account/password", at="/account", old=PASSWORD, password=fresh, again=fresh
    )
    assert reply.headers["location"] == "/account?done=password"
    assert browser.get("/account").status == 200
    assert other.get("/account").headers["location"].startswith("/login")
    assert house.browser().log_in("bs1").status == 401
    assert house.browser().log_in("bs1", fresh).status == 303


def test_ones_own_sessions_are_listed_and_ended(house: House) -> None:
    browser = house.logged_in("bs1", "doctor")
    other, stranger = house.browser(), house.logged_in("bs2", "doctor")
    other.log_in("bs1")
    page = browser.get("/account").body.decode()
    (end,) = re.findall(r'action="(/account/sessions/[^"]+)"', page)
    assert stranger.post(end, at="/account").status == 422  # not of another account
    assert other.get("/account").status == 200
    assert browser.post(end, at="/account").status == 303
    assert other.get("/account").status == 303


def test_a_leaver_is_out_with_the_next_click(house: House) -> None:
    admin, leaver = house.browser(), house.logged_in("bs1", "doctor")
    admin.log_in("admin")
    assert leaver.get("/people/p1").status == 200
    reply = admin.post("/staff/bs1/end", at="/staff/bs1", handed_to="admin")
    assert reply.headers["location"] == "/staff/bs1?done=end"
    assert leaver.get("/people/p1").headers["location"].startswith("/login")
    told = words(admin.get("/staff/bs1?done=end"))
    assert "Việc chuyển cho admin" in told and "đã kết thúc" in told


def test_an_administrator_adds_an_account_and_hands_over_a_link(house: House) -> None:
    admin = house.browser()
    admin.log_in("admin")
    bad = admin.post("/staff", at="/staff/new", name="Lê Thị", display="x", role="doctor")
    assert bad.status == 422 and "Tên đăng nhập gồm" in words(bad)
    reply = admin.post(
        "/staff", at="/staff/new", name="bs.noi2", display="BS. Mẫu", role=["doctor", "clerk"],
        organisation="Organization/79001", wards="Location/n2 Location/n3",
    )  # fmt: skip
    assert reply.status == 201
    (link,) = re.findall(r"http://127.0.0.1:8080(/login/link/[\w-]+)", reply.body.decode())
    made = house.book.accounts.find("bs.noi2")
    assert made.rights == Rights(
        ("doctor", "clerk"), "Organization/79001", ("Location/n2", "Location/n3")
    )
    assert made.created_by == "admin"
    holder = house.browser()
    assert holder.post(link, at=link, password=PASSWORD, again=PASSWORD).status == 303
    assert holder.log_in("bs.noi2").status == 303
    assert link not in words(admin.get("/staff/bs.noi2"))


def test_an_administrator_finds_no_way_to_their_own_rights(house: House) -> None:
    house.account("admin2", "administrator")
    admin = house.browser()
    admin.log_in("admin")
    assert "/staff/admin/rights" not in admin.get("/staff/admin").body.decode()
    for path in ("rights", "end", "reset", "review"):
        reply = admin.post(f"/staff/admin/{path}", at="/account", role="doctor", verdict="keep")
        assert reply.status == 403 and "Không ai tự đổi" in words(reply)
    assert entries(house)[0][1:] == ("REFUSED", "staff-own-rights")


def test_rights_are_reviewed_at_a_page(house: House) -> None:
    house.account("bs1", "doctor")
    house.account("bs2", "doctor")
    house.clock.advance(timedelta(days=184))
    house.book.accounts.wake("admin", OPERATOR)
    admin = house.browser()
    admin.log_in("admin")
    assert words(admin.get("/staff/review")).count("quá hạn") == 3
    reply = admin.post("/staff/bs1/review", at="/staff/review", verdict="keep")
    assert reply.headers["location"] == "/staff/review?done=bs1"
    assert words(admin.get("/staff/review")).count("quá hạn") == 2
    admin.post("/staff/bs2/review/change", at="/staff/review", role="nurse")
    told = words(admin.get("/staff/bs2"))
    assert "Điều dưỡng" in told and "admin · đổi quyền" in told
    assert admin.post("/staff/bs1/review", at="/staff/review", verdict="x").status == 400


def test_who_is_out_of_use_is_shown_and_enabled_again(house: House) -> None:
    house.account("bs1", "doctor")
    house.clock.advance(timedelta(days=46))
    house.book.accounts.wake("admin", OPERATOR)
    refused = house.browser().log_in("bs1")
    assert refused.status == 403 and "45 ngày" in words(refused)
    admin = house.browser()
    admin.log_in("admin")
    assert "tạm ngừng" in words(admin.get("/staff"))
    admin.post("/staff/bs1/wake", at="/staff/bs1")
    assert house.browser().log_in("bs1").status == 303
