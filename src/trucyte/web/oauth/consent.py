"""The page that asks a person what an application may do; and the launch of one.

Nothing is ticked beforehand. The request lies at the node under a secret of its own, so
the address holds nothing of it and outlives a login in between.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.oauth.asked import read_form
from trucyte.shared.access.oauth.authorizing import (
    UNASKED,
    Answered,
    Launch,
    Wanted,
    denied,
)
from trucyte.shared.access.oauth.refusal import OAuthRefused
from trucyte.shared.access.oauth.scopes import PLAIN, needs_patient
from trucyte.web.language import marked
from trucyte.web.oauth.doors import Tokens
from trucyte.web.oauth.words import line_of
from trucyte.web.render import Call
from trucyte.web.security import CONTENT_SECURITY_POLICY

ASKED: Final = "/oauth/asked"
_ID_MAX: Final = 64
_NOTHING_TICKED: Final = marked("Hãy chọn ít nhất một điều, hoặc từ chối.")
_NO_PATIENT: Final = marked("Không mở được hồ sơ này; hãy xem lại mã người bệnh.")


class NoApplicationsHere(Problem):
    """This node gives no tokens to applications."""

    kind = Kind.UNSUPPORTED
    code = "no-applications-here"


def authorize(call: Call) -> Response:
    """Check a request, put it by, and go to the page that asks."""
    tokens = _tokens(call)
    try:
        asked = tokens.place.of_page(call.request, read_form(call.request.url.query))
        secret = tokens.authorizing.ask(tokens.authorizing.wanted(asked))
    except Answered as answered:
        return RedirectResponse(answered.address, status_code=303)
    except OAuthRefused as refused:
        return _trouble(call, refused)
    return RedirectResponse(f"{ASKED}/{secret}", status_code=303)


def show(call: Call) -> Response:
    """Ask."""
    try:
        wanted = _tokens(call).authorizing.pending(_secret(call), call.subject, uses=False)
    except OAuthRefused as refused:
        return _trouble(call, refused)
    return _question(call, wanted)


def decide(call: Call) -> Response:
    """Take the answer and tell it to the application."""
    authorizing = _tokens(call).authorizing
    try:
        wanted = authorizing.pending(_secret(call), call.subject, uses=False)
        if call.form.get("answer") != "allow":
            authorizing.pending(_secret(call), call.subject, uses=True)
            return _away(denied(wanted, "access_denied", "the person said no"))
        chosen = _chosen(call.form)
        patient, mistake = _patient(call, wanted, chosen)
        if wanted.optional and not set(chosen) & set(wanted.optional):
            mistake = mistake or call.text(_NOTHING_TICKED)
        if mistake:
            return _question(call, wanted, mistake=mistake, chosen=chosen)
        authorizing.pending(_secret(call), call.subject, uses=True)
        return _away(authorizing.allow(wanted, call.subject, chosen, patient))
    except OAuthRefused as refused:
        return _trouble(call, refused)


def launch(call: Call) -> Response:
    """Start an application with the person on the screen (SMART's EHR launch)."""
    tokens = _tokens(call)
    client = tokens.provider.parts.store.client(call.request.path_params["client"])
    if client is None or not client.launch_uri:
        return _trouble(call, OAuthRefused("invalid_client", "the application is unknown"))
    patient = str(call.form.get("patient", ""))
    encounter = str(call.form.get("encounter", ""))
    access = call.access("TREAT")
    call.services.records.read(access, "Patient", patient)  # raises where it may not be seen
    if encounter:
        call.services.records.read(access, "Encounter", encounter)
    issuer = tokens.place.of_page(call.request, {}).issuer
    before = Launch(call.subject.account, patient, encounter)
    return _away(tokens.authorizing.launch(client, before, issuer))


def _question(
    call: Call, wanted: Wanted, *, mistake: str = "", chosen: tuple[str, ...] = ()
) -> Response:
    client = _tokens(call).provider.parts.store.client(wanted.client)
    if client is None:
        return _trouble(call, OAuthRefused("invalid_client", "the application is unknown"))
    citizen = call.subject.kind == "citizen"
    response = call.page(
        "consent.html",
        http_status=422 if mistake else 200,
        application=client.name,
        place=urlsplit(wanted.redirect).netloc,
        # What is shown comes before how long it is shown.
        lines=[line_of(call, word) for word in sorted(wanted.optional, key=PLAIN.__contains__)],
        chosen=chosen,
        mistake=mistake,
        asks_patient=needs_patient(wanted.scopes) and not wanted.patient and not citizen,
        patient=str(call.form.get("patient", "")),
        is_launched=bool(wanted.patient),
        knows_who="openid" in wanted.scopes,
        action=call.request.url.path,
    )
    return _may_leave_for(response, wanted.redirect)


def _patient(call: Call, wanted: Wanted, chosen: tuple[str, ...]) -> tuple[str, str]:
    """Return the id of whom it is about, and what is wrong with what was typed."""
    picked = [one for one in wanted.scopes if one in UNASKED or one in chosen]
    if wanted.patient or not needs_patient(picked):
        return "", ""
    if call.subject.kind == "citizen":
        return call.subject.account.partition("/")[2], ""
    typed = str(call.form.get("patient", "")).strip().rpartition("/")[2][:_ID_MAX]
    try:
        if typed:
            call.services.records.read(call.access("TREAT"), "Patient", typed)
            return typed, ""
    except Problem as problem:
        if problem.kind not in (Kind.NOT_FOUND, Kind.GONE, Kind.FORBIDDEN):
            raise
    return "", call.text(_NO_PATIENT)


def _chosen(form: FormData) -> tuple[str, ...]:
    return tuple(one for one in form.getlist("scope") if isinstance(one, str))


def _secret(call: Call) -> str:
    return str(call.request.path_params["secret"])


def _tokens(call: Call) -> Tokens:
    tokens = call.services.tokens
    if tokens is None:
        raise NoApplicationsHere
    return tokens


def _trouble(call: Call, refused: OAuthRefused) -> Response:
    """Tell the person: where the application cannot be trusted it is told nothing."""
    return call.page(
        "consent_trouble.html",
        http_status=refused.status if refused.status != 401 else 400,
        reason=refused.reason,
        code=refused.error,
    )


def _away(address: str) -> Response:
    response = RedirectResponse(address, status_code=303)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _may_leave_for(response: Response, redirect: str) -> Response:
    """Let the form of this page end at the application: a browser looks at that, too."""
    parts = urlsplit(redirect)
    origin = f"{parts.scheme}://{parts.netloc}"
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "form-action 'self'", f"form-action 'self' {origin}"
    )
    return response
