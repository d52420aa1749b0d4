"""Attacks on tokens, codes, sessions and logins."""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey

from trucyte.node.attack.arena import FOREIGN, Arena, json_of
from trucyte.node.attack.entering import FORM, asks_login, assertion, take_token

_PATIENTS: Final = "/fhir/Patient?_count=1"
_NONE: Final = ("none", "None", "NONE", "nOnE", "")
_KIDS: Final = (
    "../../../../dev/null",
    "/dev/null",
    "' or 1=1 --",
    f"{FOREIGN}/jwks",
    "x" * 4000,
)


def unsigned(arena: Arena) -> None:
    """Send tokens whose signature is absent, or made with what everyone knows."""
    token = _token(arena)
    if token is None:
        return
    head, claims, _ = token.split(".")
    for algorithm in _NONE:
        for signature in ("", "AAAA"):
            _refused(arena, f"{_head(alg=algorithm)}.{claims}.{signature}", f"alg {algorithm!r}")
    keys = arena.target.ask("GET", "/oauth/jwks").body
    for secret in (keys, keys.strip(), b"", json.dumps(json.loads(keys or b"{}")).encode()):
        for key in _public(keys, secret):
            body = f"{_head(alg='HS256')}.{claims}"
            made = _b64(hmac.new(key, body.encode(), sha256).digest())
            _refused(arena, f"{body}.{made}", "HS256 with the public key")
    _foreign_keys(arena, _claims(claims))
    _refused(arena, f"{head}.{claims}.{_b64(bytes(64))}", "a signature of zeros")
    _refused(arena, f"{head}.{claims}.", "no signature")


def _public(keys: bytes, secret: bytes) -> Iterator[bytes]:
    yield secret
    for one in json_keys(keys):
        yield ECKey.import_key(one).as_pem(private=False) if one.get("kty") == "EC" else b""


def json_keys(keys: bytes) -> list[dict[str, Any]]:
    """Return the public keys of a key set."""
    try:
        told = json.loads(keys)
    except ValueError:
        return []
    return [one for one in told.get("keys", []) if isinstance(one, dict)]


def _foreign_keys(arena: Arena, claims: dict[str, Any]) -> None:
    key = ECKey.generate_key("P-256", private=True)
    known = [one.get("kid", "") for one in json_keys(arena.target.ask("GET", "/oauth/jwks").body)]
    public = key.as_dict(private=False)
    for more in (
        {"kid": (known or [""])[0]},
        {"jwk": public},
        {"jku": f"{FOREIGN}/jwks"},
        {"x5u": f"{FOREIGN}/cert"},
        {"crit": ["b64"], "b64": False},
    ):
        head = _head(alg="ES256", typ="at+jwt", **more)
        body = f"{head}.{_b64(msgspec.json.encode(claims))}"
        signer = jws.serialize_compact(
            {"alg": "ES256"}, msgspec.json.encode(claims), key, ["ES256"]
        )
        _refused(
            arena, f"{body}.{signer.rsplit('.', 1)[1]}", f"a foreign key with {next(iter(more))}"
        )


def claims_altered(arena: Arena) -> None:
    """Send tokens whose claims were altered under the old signature, and odd key names."""
    token = _token(arena)
    if token is None:
        return
    head, body, signature = token.split(".")
    now, claims = int(time.time()), _claims(body)
    for changed in (
        {"exp": now - 3600},
        {"nbf": now + 3600, "iat": now + 3600},
        {"aud": f"{FOREIGN}/fhir"},
        {"iss": FOREIGN},
        {"scope": "system/*.cruds user/*.cruds"},
        {"client_id": "other", "sub": "other"},
        {"exp": now + 10**9},
    ):
        altered = _b64(msgspec.json.encode({**claims, **changed}))
        _refused(arena, f"{head}.{altered}.{signature}", f"altered {', '.join(changed)}")
    for kid in _KIDS:
        _refused(arena, f"{_head(alg='ES256', typ='at+jwt', kid=kid)}.{body}.{signature}", "kid")
    other = {"Authorization": f"Bearer {token}", "Host": f"localhost:{arena.target.port}"}
    answer = arena.ask("GET", _PATIENTS, headers=other)
    arena.expect(answer.status == 401, f"a token for another audience was taken ({answer.status})")
    for scheme in ("DPoP", "Basic", "Token", ""):
        answer = arena.ask("GET", _PATIENTS, headers={"Authorization": f"{scheme} {token}".strip()})
        arena.expect(answer.status in (400, 401), f"a token was taken as {scheme or 'bare'}")


def replayed(arena: Arena) -> None:
    """Use an assertion twice, late, early, for another server and by another client."""
    client = arena.stage.clients["system-a"]
    said = assertion(arena, client)
    if take_token(arena, client, said=said).status != 200:
        arena.find("a fresh assertion was not taken: replay could not be tried")
        return
    now = int(time.time())
    for what, text in (
        ("the same assertion", said),
        ("another audience", assertion(arena, client, aud=f"{FOREIGN}/token")),
        ("an ended one", assertion(arena, client, exp=now - 600, iat=now - 900)),
        ("one that lives a year", assertion(arena, client, exp=now + 31_536_000)),
        ("one of tomorrow", assertion(arena, client, nbf=now + 86_400)),
        ("one of another issuer", assertion(arena, client, iss="other")),
        (
            "one of another client",
            assertion(arena, {**client, "id": arena.stage.clients["system-b"]["id"]}),
        ),
        ("one without an id", assertion(arena, client, jti="")),
    ):
        arena.asked[arena.attack] += 1
        status = take_token(arena, client, said=text).status
        arena.expect(status in (400, 401), f"a token was given for {what} ({status})")


def widened(arena: Arena) -> None:
    """Ask for more than was registered, and use a narrow token beyond its scope."""
    client = arena.stage.clients["narrow-a"]
    for scope in (
        "system/*.cruds",
        "system/Patient.rs",
        "user/*.rs",
        f"{client['scope']} system/*.*",
    ):
        arena.asked[arena.attack] += 1
        given = str(json_of(take_token(arena, client, scope=scope)).get("scope", ""))
        wide = [one for one in given.split() if not one.startswith("system/Observation.")]
        arena.expect(not wide, f"a client of Observation was given {' '.join(wide)}")
    narrow = arena.callers.get("narrow-a")
    if narrow is None:
        arena.find("the narrow client got no token")
        return
    for path in (arena.of("a-plain").path, f"/fhir/Patient?family={arena.prefix}"):
        answer = arena.ask("GET", path, narrow)
        arena.expect(
            arena.of("a-plain").mark not in answer.text,
            f"a token of Observation alone read a Patient by {path}",
            arena.curl("GET", path, narrow),
        )


def codes(arena: Arena) -> None:
    """Try made-up codes and refresh tokens, no PKCE, a plain challenge, a foreign redirect."""
    app = arena.stage.clients["app"]
    for form in (
        {"grant_type": "authorization_code", "code": "made-up", "code_verifier": "x" * 43},
        {"grant_type": "authorization_code", "code": "made-up"},
        {"grant_type": "refresh_token", "refresh_token": "made-up"},
        {"grant_type": "password", "username": "a", "password": "b"},
        {"grant_type": "client_credentials", "scope": "system/*.rs"},
    ):
        sent = {**form, "client_id": app["id"], "redirect_uri": app["redirect"]}
        answer = arena.ask("POST", "/oauth/token", body=urlencode(sent).encode(), headers=FORM)
        arena.expect(
            answer.status in (400, 401), f"{form['grant_type']} was answered {answer.status}"
        )
    asked = {
        "response_type": "code",
        "client_id": app["id"],
        "redirect_uri": app["redirect"],
        "scope": "openid",
        "state": "s" * 20,
        "aud": f"{arena.target.origin}/fhir",
    }
    for changed in (
        {},
        {"code_challenge": "x" * 43, "code_challenge_method": "plain"},
        {"response_type": "token"},
        {
            "redirect_uri": f"{FOREIGN}/back",
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
        },
        {"redirect_uri": f"{app['redirect']}/../evil"},
    ):
        path = f"/oauth/authorize?{urlencode({**asked, **changed})}"
        place = arena.ask("GET", path, arena.callers["doctor-a"]).headers.get("location", "")
        is_given = "code=" in place or "access_token=" in place or "/oauth/asked/" in place
        arena.expect(not is_given and FOREIGN not in place, f"authorize went on to {place[:80]}",
                     arena.curl("GET", path))  # fmt: skip


def sessions(arena: Arena) -> None:
    """Bring cookies that were made up, ended, half or fixed."""
    if not asks_login(arena):
        return  # nobody is asked here: there is no session to steal
    real = arena.stage.sessions["doctor-a"]["cookie"]
    tries = {
        "made-up": "A" * 43,
        "ended": arena.stage.sessions["doctor-ended"]["cookie"],
        "half": arena.stage.sessions["doctor-half"]["cookie"],
        "cut": real[:-1],
        "longer": real + "A",
        "very long": "A" * 4000,
        "quoted": "' or 1=1 --",
    }
    for what, text in tries.items():
        headers = {"Cookie": f"trucyte={text}"}
        for path in ("/people", "/", "/account"):
            answer = arena.ask("GET", path, headers=headers)
            arena.expect(answer.status != 200, f"a {what} session opened {path}")
    answer = arena.ask("GET", "/login", headers={"Cookie": f"trucyte={'A' * 43}"})
    arena.expect("A" * 43 not in answer.headers.get("set-cookie", ""), "a session was fixed")


def door_logins(arena: Arena) -> None:
    """Try injection at the doors' logins, and made-up tokens."""
    names = ("' or '1'='1", "a\0b", "a" * 60_000, "*)(uid=*", "$ne", "admin'--", "\ud7ff")
    for name in names:
        for password in ("x", "' or ''='", "\0"):
            body = json.dumps({"username": name, "password": password}).encode()
            kind = {"Content-Type": "application/json"}
            for path in ("/api/auth/login", "/api/token/take"):
                answer = arena.ask("POST", path, body=body, headers=kind)
                arena.expect(answer.status >= 400, f"a login by injection at {path}")
        if arena.is_quick and name == names[2]:
            break
    ended = arena.stage.doors["ended"]
    body = json.dumps({"username": ended["name"], "password": ended["password"]}).encode()
    answer = arena.ask(
        "POST", "/api/auth/login", body=body, headers={"Content-Type": "application/json"}
    )
    arena.expect(answer.status >= 400, "an ended account logged in at a door")
    for text in ("", "x", "' or 1=1 --", "A" * 43, "A" * 20_000, "a.b.c"):
        _refused(arena, text, "a made-up token")


def _token(arena: Arena) -> str | None:
    token = arena.callers["system-a"].headers["Authorization"].partition(" ")[2] if (
        "system-a" in arena.callers
    ) else None  # fmt: skip
    if token is None:
        arena.find("no client got a token: what is signed could not be tried")
    return token


def _refused(arena: Arena, token: str, what: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = arena.ask("GET", _PATIENTS, headers=headers)
    arena.expect(
        answer.status in (400, 401, 431, 0),
        f"a token with {what} was answered {answer.status}",
        arena.curl("GET", _PATIENTS, headers={"Authorization": f"Bearer {token[:300]}"}),
    )


def _claims(body: str) -> dict[str, Any]:
    return dict(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def _head(**said: Any) -> str:
    return _b64(json.dumps(said).encode())


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
