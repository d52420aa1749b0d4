"""The doors that hospital systems know, so that a HIS needs nothing but another address.

Two shapes for the same file: Hà Nội's data axis (JSON, many files a call) and the
insurer's gateway (form, one file a call; letter 1245/BHXH-CNTT). Always with a token; a
file's bytes are durable before the answer leaves, and what became of it is asked later by
its `maGiaoDich`. Paths are the published ones; that a sender may check only its own
facility's files is this node's rule.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Kind, Problem
from trucyte.base.wording import wording
from trucyte.database.connect import DatabaseAway
from trucyte.intake.receipts import Receipts, ReceivedFile
from trucyte.shared.access.accounts import Account, Accounts, Token, TokenRefused, sent_form
from trucyte.shared.access.local import sender_access
from trucyte.shared.audit import Trail
from trucyte.web.api import asgi
from trucyte.web.api.asgi import Answer, Call, Route

BODY_BYTES_MAX = 256 * 1024 * 1024
LOGIN_BYTES_MAX = 16 * 1024
LOGINS = frozenset({"/api/auth/login", "/api/token/take"})
FILES_MAX = 1000
# The facility an envelope names stands in its first lines.
_NAMED = re.compile(rb"<MACSKCB>\s*([^<\s]{1,20})\s*</MACSKCB>")
_HEAD_BYTES = 4096
DOOR = "api"
JSON = "application/json; charset=utf-8"


class BadCall(Problem):
    """The call is not as published: {reason}."""

    kind = Kind.BAD_INPUT
    code = "bad-call"


class OtherFacility(Problem):
    """This account may send for its own facility only."""

    kind = Kind.FORBIDDEN
    code = "other-facility"


class NotBase64(Problem):
    """The file is empty or not base64."""

    kind = Kind.BAD_INPUT
    code = "not-base64"


class Login(msgspec.Struct, frozen=True):
    """Hà Nội's login."""

    username: str
    password: str
    code: str = ""


class Files(msgspec.Struct, frozen=True):
    """Hà Nội's call: whole claims files in base64."""

    maCSKCB: str  # noqa: N815 - the published names
    files: list[str]
    loaiHoSo: str | int = ""  # noqa: N815 - as published
    maTinh: str = ""  # noqa: N815 - as published


class Doors:
    """The doors as one ASGI application."""

    def __init__(self, receipts: Receipts, accounts: Accounts, clock: Clock, trail: Trail) -> None:
        """Answer from `receipts` for the holders of tokens of `accounts`; enter it in `trail`."""
        self._receipts = receipts
        self._accounts = accounts
        self._clock = clock
        self._trail = trail
        insurer = r"/api/(?:qd130|qd3176)/"
        self.routes = (
            _route("POST", r"/api/auth/login", self._log_in),
            _route("POST", r"/api/token/take", self._take_token),
            _route("POST", r"/api/kcb/xml/qd3176/guiHoSoXml", self._receive_files),
            _route(
                "GET", r"/api/kcb/tra-cuu-trang-thai/(?P<transaction>[\w-]{1,64})", self._status
            ),
            _route("POST", insurer + r"(?:guiHoSoXmlQD3176|guiHoSoXmlQD4750)", self._receive_claim),
            _route("POST", insurer + r"(?:checkInKcbQd3176|checkInKcbQd4750)", self._receive_claim),
        )

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Answer one request."""
        is_login = scope["path"] in LOGINS
        try:
            handler, places = asgi.matched(self.routes, scope["method"], scope["path"])
            if not is_login:  # nobody makes this node read a large body without a token
                token = _token(asgi.headers_of(scope))
                await asgi.in_thread(lambda: self._accounts.holder(token))
            limit = LOGIN_BYTES_MAX if is_login else BODY_BYTES_MAX
            body = await asgi.read_body(receive, size_max=limit)
            call = asgi.call_of(scope, places, body)
            answer = await asgi.in_thread(lambda: handler(call))
        except asgi.ClientGone:
            return
        except Problem as problem:
            answer = self._refused(problem)
            if not is_login:  # a login that was refused is entered with its account
                headers, refused = asgi.headers_of(scope), problem
                await asgi.in_thread(lambda: self._deny(headers, refused))
        await asgi.send_answer(send, answer)

    def _deny(self, headers: Mapping[str, str], problem: Problem) -> None:
        """Enter that a call was not allowed, with the account whose token came."""
        account = Account("", "")
        with suppress(TokenRefused, DatabaseAway):
            account = self._accounts.holder(_token(headers))
        organisation = sender_access(account, self._trail).organisation
        entered = self._trail.denied(
            problem, door=DOOR, caller=account.name, organisation=organisation
        )
        if entered is not None:
            with suppress(DatabaseAway):  # nothing was shown, and a refusal leaves as it is
                entered.result()

    def _log_in(self, call: Call) -> Answer:
        login = _decoded(call.body, Login)
        token = self._token_for(login.username, sent_form(login.password), call.client)
        if login.code and token.account.facility not in ("", login.code):
            raise OtherFacility
        return _json(
            200,
            maKetQua="200",
            accessToken=token.text,
            tokenType="Bearer",
            expiresIn=int((token.expires_at - self._clock.now()).total_seconds()),
        )

    def _take_token(self, call: Call) -> Answer:
        form = _form(call.body)
        token = self._token_for(form.get("username", ""), form.get("password", ""), call.client)
        return _json(200, maKetQua="200", APIKey=_api_key(token))

    def _token_for(self, name: str, sent: str, client: str) -> Token:
        """Log in, and enter that; a name that no account bears is not kept: it may be anything."""
        try:
            token = self._accounts.log_in(name, sent, client=client)
        except Problem as problem:
            if not isinstance(problem, DatabaseAway):
                known = name if self._accounts.has(name) else ""
                self._trail.logged_in(known, door=DOOR, code=problem.code)
            raise
        self._trail.logged_in(
            name, organisation=sender_access(token.account, self._trail).organisation, door=DOOR
        )
        return token

    def _enter_received(self, account: Account, files: int) -> None:
        access = sender_access(account, self._trail)
        self._trail.enter(access, "receive", resources=files, door=DOOR).result()

    def _receive_files(self, call: Call) -> Answer:
        account = self._accounts.holder(_token(call.headers))
        sent = _decoded(call.body, Files)
        _check_facility(account, sent.maCSKCB)
        if not 0 < len(sent.files) <= FILES_MAX:
            raise BadCall(reason=f"files: 1 to {FILES_MAX}")
        results = [
            self._received(account, number, text) for number, text in enumerate(sent.files, start=1)
        ]
        good = sum(1 for result in results if result["maKetQua"] == "200")
        self._enter_received(account, good)
        return _json(
            200,
            maKetQua="200" if good else "400",
            batchId=next((r["maGiaoDich"] for r in results if r["maGiaoDich"]), ""),
            totalSuccess=good,
            totalFailed=len(results) - good,
            fileResults=results,
        )

    def _received(self, account: Account, number: int, text: str) -> dict[str, Any]:
        """Keep one file of a call; a bad one fails alone."""
        try:
            received = self._keep(account, f"guiHoSoXml-{number}.xml", "hanoi", text)
        except (NotBase64, OtherFacility) as problem:
            organisation = sender_access(account, self._trail).organisation
            self._trail.denied(problem, door=DOOR, caller=account.name, organisation=organisation)
            code = str(asgi.status_of(problem))
            return {"fileIndex": number, "maKetQua": code, "maGiaoDich": ""} | _said(problem)
        return {
            "fileIndex": number,
            "maKetQua": "200",
            "maGiaoDich": received.transaction,
            "thongDiep": "Đã tiếp nhận",
        }

    def _receive_claim(self, call: Call) -> Answer:
        account = self._accounts.holder(_token(call.headers))
        form = _form(call.body)
        _check_facility(account, form.get("maCSKCB", ""))
        name = call.path.rsplit("/", 1)[-1] + ".xml"
        received = self._keep(account, name, "insurer", form.get("fileHSBase64", ""))
        self._enter_received(account, 1)
        return _json(
            200,
            maKetQua="200",
            maGiaoDich=received.transaction,
            thoiGianTiepNhan=received.received_at.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S"),
            thongDiep="Đã tiếp nhận",
        )

    def _status(self, call: Call) -> Answer:
        account = self._accounts.holder(_token(call.headers))
        received = self._receipts.by_transaction(call.places["transaction"])
        if not received.facility:  # whose it is shows when it is read; until then, only that
            return _json(
                200,
                maKetQua="200",
                maGiaoDich=received.transaction,
                trangThai=received.state.value,
            )
        _check_facility(account, received.facility)
        return _json(200, maKetQua="200", **_state(received))

    def _keep(self, account: Account, name: str, door: str, text: str) -> ReceivedFile:
        try:
            content = base64.b64decode(re.sub(r"\s+", "", text), validate=True)
        except (binascii.Error, ValueError):
            raise NotBase64 from None
        if not content:
            raise NotBase64
        named = _NAMED.search(content, 0, _HEAD_BYTES)
        if named:
            _check_facility(account, named[1].decode("ascii", "replace"))
        sender = sender_access(account, self._trail).organisation
        return self._receipts.receive(name, door, [content], sender=sender)

    def _refused(self, problem: Problem) -> Answer:
        status = asgi.status_of(problem)
        return _json(status, maKetQua=str(status), maGiaoDich="", **_said(problem))


def _route(method: str, pattern: str, handler: asgi.Handler) -> Route:
    return Route(method, re.compile(pattern), handler)


def _said(problem: Problem) -> dict[str, str]:
    return {"thongDiep": wording(problem, "vi"), "maLoi": problem.code}


def _json(status: int, /, **values: Any) -> Answer:
    return Answer(status, orjson.dumps(values), JSON)


def _decoded(body: bytes, shape: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise BadCall(reason=str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadCall(reason="not JSON") from None


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=32)
    except ValueError:
        raise BadCall(reason="not a form") from None
    return {name: values[-1] for name, values in pairs.items()}


def _token(headers: Mapping[str, str]) -> str:
    """Return the token of a call: the insurer's header, or a bearer's. Raises TokenRefused."""
    if "accesstoken" in headers:
        return headers["accesstoken"]
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text:
        raise TokenRefused
    return text.strip()


def _check_facility(account: Account, facility: str) -> None:
    if account.facility and account.facility != facility:
        raise OtherFacility


def _api_key(token: Token) -> dict[str, str]:
    return {
        "access_token": token.text,
        "id_token": token.text,
        "token_type": "Bearer",
        "username": token.account.name,
        "expires_in": token.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _state(received: ReceivedFile) -> dict[str, Any]:
    return {
        "maGiaoDich": received.transaction,
        "trangThai": received.state.value,
        "soHoSo": received.visits,
        "soLoi": received.errors,
        "soCanhBao": received.warnings,
        "soCachLy": received.quarantined,
        "thoiGianTiepNhan": received.received_at.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S"),
    }
