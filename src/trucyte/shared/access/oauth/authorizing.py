"""The authorization endpoint: from an application's request to a person's decision.

What is wrong with the application or the address it is answered at is told to the person
and goes nowhere; everything else is told to the application (RFC 6749 §4.1.2.1). What was
asked waits under a secret of its own for the person who was asked, and for nobody else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from trucyte.shared.access.oauth import scopes as smart
from trucyte.shared.access.oauth.asked import Asked, Reply
from trucyte.shared.access.oauth.proof import is_thumbprint
from trucyte.shared.access.oauth.provider import REFRESH_LIFE, Code, Parts
from trucyte.shared.access.oauth.records import Client, Delegation
from trucyte.shared.access.oauth.refusal import OAuthRefused
from trucyte.shared.access.oauth.subjects import kept
from trucyte.shared.access.oauth.tokens import digest, new_secret
from trucyte.shared.access.subject import Subject

CODE_KEPT: Final = timedelta(hours=1)  # a second use is seen as one for longer than it counts
PUSHED_LIFE: Final = timedelta(seconds=90)
PENDING_LIFE: Final = timedelta(minutes=10)
LAUNCH_LIFE: Final = timedelta(minutes=5)
SESSION_LIFE: Final = timedelta(hours=12)
PUSHED: Final = "urn:ietf:params:oauth:request_uri:"
_VALUE_MAX: Final = 1024
# What an application that asks for anything must be given to work at all.
UNASKED: Final = frozenset(
    {"openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter"}
)


class Answered(Exception):  # noqa: N818 - an answer that goes to the application
    """The request is answered at once; `address` is where."""

    def __init__(self, address: str) -> None:
        """Keep the address."""
        super().__init__("answered")
        self.address = address


class Wanted(msgspec.Struct, frozen=True):
    """What an application asks a person for, checked."""

    client: str
    redirect: str
    state: str
    scopes: list[str]
    challenge: str
    nonce: str
    issuer: str
    launch: str = ""
    patient: str = ""  # id, of an EHR launch
    encounter: str = ""
    dpop: str = ""
    level: str = ""  # acr_values: how surely the person must be known
    account: str = ""  # who launched it; "": whoever logs in

    @property
    def optional(self) -> Sequence[str]:
        """The scopes a person decides on, one by one."""
        return [one for one in self.scopes if one not in UNASKED]


class Launch(msgspec.Struct, frozen=True):
    """What was before a person who starts an application."""

    account: str
    patient: str
    encounter: str = ""


class Authorizing:
    """Requests of applications to people."""

    def __init__(self, parts: Parts) -> None:
        """Remember in `parts`."""
        self._parts = parts

    def push(self, asked: Asked) -> Reply:
        """Take a request in advance (RFC 9126). Raises OAuthRefused."""
        client = self._parts.clients.client(asked)
        form = {**asked.form, "client_id": client.id}
        if "request_uri" in form:
            raise OAuthRefused("invalid_request", "a request is not pushed by its name")
        if "dpop" in asked.headers:
            proof = asked.headers["dpop"]
            form["dpop_jkt"] = self._parts.proofs.thumbprint(proof, method="POST", url=asked.url)
        try:
            self._checked(self._redirect(client, form), client, form, asked)
        except Answered:
            raise OAuthRefused("invalid_request", "the request would be refused") from None
        name, now = new_secret(), self._parts.clock.now()
        body = msgspec.json.encode(form)
        ends_at = now + PUSHED_LIFE
        self._parts.store.put("pushed", digest(name), body, client=client.id, ends_at=ends_at)
        seconds = int(PUSHED_LIFE.total_seconds())
        return Reply(201, {"request_uri": f"{PUSHED}{name}", "expires_in": seconds})

    def wanted(self, asked: Asked) -> Wanted:
        """Return what is asked for. Raises OAuthRefused for the person, Answered for the app."""
        form = self._unfolded(asked.form)
        client = self._parts.store.client(form.get("client_id", ""))
        if client is None or client.kind != "app":
            raise OAuthRefused("invalid_client", "the application is unknown")
        return self._checked(self._redirect(client, form), client, form, asked)

    def ask(self, wanted: Wanted) -> str:
        """Put a request by until the person has logged in and decided; return its secret."""
        secret, now = new_secret(), self._parts.clock.now()
        body = msgspec.json.encode(wanted)
        self._parts.store.put("pending", digest(secret), body, ends_at=now + PENDING_LIFE)
        return secret

    def pending(self, secret: str, subject: Subject, *, uses: bool) -> Wanted:
        """Return what was put by, if it is for this person. Raises OAuthRefused."""
        now, store = self._parts.clock.now(), self._parts.store
        find = store.take if uses else store.look
        ticket = find("pending", digest(secret), now)
        if ticket is None or ticket.uses > 1:
            raise OAuthRefused("invalid_request", "the request has expired or was answered")
        wanted = msgspec.json.decode(ticket.body, type=Wanted)
        if wanted.account not in ("", subject.account):
            raise OAuthRefused("access_denied", "somebody else launched the application")
        return wanted

    def allow(self, wanted: Wanted, subject: Subject, chosen: Sequence[str], patient: str) -> str:
        """Return the address that gives the application its code. Raises OAuthRefused.

        `chosen` are the optional scopes that the person ticked, `patient` the id of whom it
        is about.
        """
        picked = [one for one in wanted.scopes if one in UNASKED or one in chosen]
        about = wanted.patient or patient
        if smart.needs_patient(picked) and not about:
            raise OAuthRefused("invalid_request", "it is not said which patient it is about")
        now, store = self._parts.clock.now(), self._parts.store
        if wanted.launch and not self._uses_launch(wanted.launch, now):
            return denied(wanted, "invalid_request", "the launch was used before")
        lasts = "offline_access" in picked
        context = {"patient": about, "encounter": wanted.encounter}
        delegation = Delegation(
            id=new_secret(),
            client=wanted.client,
            account=subject.account,
            session="" if lasts else subject.session,
            subject=kept(subject),
            scopes=tuple(picked),
            context=msgspec.json.encode(context).decode(),
            made_at=now,
            ends_at=now + (REFRESH_LIFE if lasts else SESSION_LIFE),
        )
        store.begin(delegation)
        code, text = self._code(wanted, picked, now), new_secret()
        store.put(
            "code",
            digest(text),
            msgspec.json.encode(code),
            client=wanted.client,
            delegation=delegation.id,
            ends_at=now + CODE_KEPT,
        )
        return _address(wanted, code=text)

    def launch(self, client: Client, launch: Launch, issuer: str) -> str:
        """Return the address that starts an application with what is before a person."""
        secret, now = new_secret(), self._parts.clock.now()
        body = msgspec.json.encode(launch)
        ends_at = now + LAUNCH_LIFE
        self._parts.store.put("launch", digest(secret), body, client=client.id, ends_at=ends_at)
        return _with(client.launch_uri, {"iss": f"{issuer}/fhir", "launch": secret})

    def _code(self, wanted: Wanted, picked: list[str], now: datetime) -> Code:
        return Code(
            wanted.redirect,
            wanted.challenge,
            wanted.nonce,
            picked,
            int(now.timestamp()),
            wanted.dpop,
        )

    def _uses_launch(self, secret: str, now: datetime) -> bool:
        ticket = self._parts.store.take("launch", digest(secret), now)
        return ticket is not None and ticket.uses == 1

    def _unfolded(self, form: Mapping[str, str]) -> Mapping[str, str]:
        """Return the fields of a pushed request, used up; else those that came."""
        name = form.get("request_uri")
        if name is None:
            if "request" in form:
                raise OAuthRefused("request_not_supported", "signed requests are not taken")
            return form
        now = self._parts.clock.now()
        ticket = self._parts.store.take("pushed", digest(name.removeprefix(PUSHED)), now)
        if not name.startswith(PUSHED) or ticket is None or ticket.uses > 1:
            raise OAuthRefused("invalid_request_uri", "the pushed request is unknown or was used")
        if form.get("client_id") != ticket.client:
            raise OAuthRefused("invalid_request", "the pushed request is of another application")
        return msgspec.json.decode(ticket.body, type=dict[str, str])

    def _redirect(self, client: Client, form: Mapping[str, str]) -> str:
        """Return where to answer: an address as registered, letter by letter."""
        said = form.get("redirect_uri", "")
        if said not in client.redirects:
            raise OAuthRefused("invalid_request", "the address to answer at is not registered")
        return said

    def _checked(
        self, redirect: str, client: Client, form: Mapping[str, str], asked: Asked
    ) -> Wanted:
        """Return a request whose application and address are right. Raises Answered."""
        words = smart.words_of(form.get("scope", "")) or ()
        known = smart.granted(words, client.scopes)
        wanted = Wanted(
            client=client.id,
            redirect=redirect,
            state=form.get("state", "")[:_VALUE_MAX],
            scopes=[one for one in known if not one.startswith("system/")],
            challenge=form.get("code_challenge", ""),
            nonce=form.get("nonce", "")[:_VALUE_MAX],
            issuer=asked.issuer,
            launch=form.get("launch", ""),
            dpop=form.get("dpop_jkt", ""),
            level=form.get("acr_values", "")[:_VALUE_MAX],
        )
        for fine, error, reason in _faults(wanted, form, asked):
            if not fine:
                raise Answered(denied(wanted, error, reason))
        return self._launched(wanted, client)

    def _launched(self, wanted: Wanted, client: Client) -> Wanted:
        """Return a request with what was before the person who launched it."""
        if not wanted.launch:
            return wanted
        now = self._parts.clock.now()
        ticket = self._parts.store.look("launch", digest(wanted.launch), now)
        if ticket is None or ticket.client != client.id:
            raise Answered(denied(wanted, "invalid_request", "the launch is unknown or over"))
        launch = msgspec.json.decode(ticket.body, type=Launch)
        return msgspec.structs.replace(
            wanted, patient=launch.patient, encounter=launch.encounter, account=launch.account
        )


def _faults(
    wanted: Wanted, form: Mapping[str, str], asked: Asked
) -> Sequence[tuple[bool, str, str]]:
    aud = form.get("aud", form.get("resource"))
    needs_aud = bool(smart.scopes_in(wanted.scopes))
    return (
        (len(form.get("state", "")) <= _VALUE_MAX, "invalid_request", "the state is too long"),
        (
            form.get("response_type") == "code",
            "unsupported_response_type",
            "only codes are given here",
        ),
        (
            form.get("response_mode", "query") == "query",
            "invalid_request",
            "answers go in the query",
        ),
        ("registration" not in form, "registration_not_supported", "nobody registers here so"),
        (
            form.get("code_challenge_method") == "S256" and is_thumbprint(wanted.challenge),
            "invalid_request",
            "a code challenge of S256 is needed",
        ),
        (bool(wanted.scopes), "invalid_scope", "none of these scopes may be given"),
        (
            (aud is None and not needs_aud) or (aud or "").rstrip("/") == asked.audience,
            "invalid_target",
            "aud must be the base of this FHIR API",
        ),
        (not wanted.dpop or is_thumbprint(wanted.dpop), "invalid_request", "no thumbprint"),
        (
            not wanted.launch or "launch" in wanted.scopes,
            "invalid_request",
            "a launch needs its scope",
        ),
        (
            "none" not in form.get("prompt", "").split(),
            "consent_required",
            "people are always asked here",
        ),
    )


def denied(wanted: Wanted, error: str, reason: str) -> str:
    """Return the address that tells an application it is refused."""
    return _address(wanted, error=error, error_description=reason)


def _address(wanted: Wanted, **said: str) -> str:
    """Return where to answer; who answers is in it (RFC 9207), against mixing up."""
    state: dict[str, Any] = {"state": wanted.state} if wanted.state else {}
    return _with(wanted.redirect, {**said, **state, "iss": wanted.issuer})


def _with(address: str, pairs: Mapping[str, str]) -> str:
    mark = "&" if urlsplit(address).query else "?"
    return f"{address}{mark}{urlencode(pairs)}"
