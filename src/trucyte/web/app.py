"""The pages as one ASGI callable: a table of routes, each bound to a plain function.

A handler is synchronous and gets a `Call`; it runs in a thread, so a slow disk or
database never holds up another page. The FHIR API and other doors are mounted beside
the pages by prefix and see none of their middleware.
"""

import errno
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trucyte.base.problem import Problem
from trucyte.base.tracing import Event
from trucyte.web import language as languages
from trucyte.web.defects import say_sorry
from trucyte.web.handlers import (
    errors,
    files,
    health,
    identity,
    looks,
    parameters,
    people,
    registers,
    simple,
    subscriptions,
    today,
    upload,
    visits,
)
from trucyte.web.multipart import read_files
from trucyte.web.render import Call, Web, make_environments
from trucyte.web.security import Guard
from trucyte.web.services import Services
from trucyte.web.static import Assets

Handler = Callable[[Call], Response]

SERVED = Event("web.page-served", page=str, status=int, milliseconds=int)
YEAR_SECONDS = 365 * 24 * 3600
FORM_BYTES_MAX = 1 << 17  # of a form without files; 10,000 letters, each as nine signs, fit


@dataclass(frozen=True, slots=True)
class Page:
    """One row of the table of pages; the name is what the log calls it."""

    name: str
    method: str
    path: str
    handler: Handler
    takes_files: bool = False
    reason: str = "page"  # what the trail calls it: an interaction and a resource type


PAGES: Sequence[Page] = (
    Page("today", "GET", "/", today.page),
    Page("files", "GET", "/files", files.listing),
    Page("upload", "POST", "/files", upload.receive, takes_files=True),
    Page("upload-form", "GET", "/upload", upload.form),
    Page("file", "GET", "/files/{number:int}", files.one),
    Page("file-progress", "GET", "/files/{number:int}/progress", files.progress),
    Page("file-original", "GET", "/files/{number:int}/original", files.original),
    Page("file-excel", "GET", "/files/{number:int}/findings.xlsx", files.excel),
    Page("file-rule", "GET", "/files/{number:int}/rules/{rule}", files.rule_in_file),
    Page("file-visit", "GET", "/files/{number:int}/visits/{ordinal:int}", files.visit_in_file),
    Page("quarantine", "GET", "/quarantine", files.quarantine),
    Page("rule", "GET", "/rules/{rule}", files.rule),
    Page("people", "GET", "/people", people.search_form),
    Page("people-found", "POST", "/people", people.search, reason="search Patient"),
    Page("person", "GET", "/people/{id}", people.one, reason="page Patient"),
    Page("person-trail", "GET", "/people/{id}/trail", looks.of_person, reason="page AuditEvent"),
    Page(
        "person-look",
        "GET",
        "/people/{id}/trail/{entry}/evidence.json",
        looks.evidence,
        reason="read AuditEvent",
    ),
    Page("link", "GET", "/people/{id}/links/{other}", identity.link, reason="page Patient"),
    Page("unlink", "POST", "/people/{id}/links/{other}", identity.unlink, reason="page Patient"),
    Page("pairs", "GET", "/identity", identity.listing, reason="page Linkage"),
    Page("pair", "GET", "/identity/pairs/{number:int}", identity.one, reason="page Linkage"),
    Page(
        "pair-decide",
        "POST",
        "/identity/pairs/{number:int}/decide",
        identity.decide,
        reason="page Linkage",
    ),
    Page(
        "pair-revise",
        "POST",
        "/identity/pairs/{number:int}/revise",
        identity.revise,
        reason="page Linkage",
    ),
    Page("visit", "GET", "/visits/{id}", visits.one, reason="page Encounter"),
    Page("visit-proof", "POST", "/visits/{id}/proof", visits.proof, reason="page Encounter"),
    Page(
        "visit-evidence",
        "GET",
        "/visits/{id}/evidence.json",
        visits.evidence,
        reason="read Encounter",
    ),
    Page("subscriptions", "GET", "/subscriptions", subscriptions.listing),
    Page("subscription-retry", "POST", "/subscriptions/{id}/retry", subscriptions.retry),
    Page("health", "GET", "/health", health.page),
    Page("parameters", "GET", "/parameters", parameters.page, reason="page SearchParameter"),
    Page(
        "parameter-change",
        "POST",
        "/parameters/{id}/{what}",
        parameters.change,
        reason="page SearchParameter",
    ),
    Page("registers", "GET", "/registers", registers.search_form, reason="search Organization"),
    Page("registers-found", "POST", "/registers", registers.search, reason="search Practitioner"),
    Page(
        "practitioner",
        "GET",
        "/registers/practitioners/{id}",
        registers.practitioner,
        reason="page Practitioner",
    ),
    Page(
        "facility",
        "GET",
        "/registers/facilities/{id}",
        registers.facility,
        reason="page Organization",
    ),
    Page("help", "GET", "/help", simple.help_page),
    Page("styleguide", "GET", "/_styleguide", simple.styleguide),
    Page("preferences", "POST", "/preferences", simple.preferences),
)


def make_app(services: Services, mounts: Mapping[str, ASGIApp] | None = None) -> ASGIApp:
    """Return the pages of a node; `mounts` gives further ASGI apps by path prefix."""
    assets = Assets()
    web = Web(services, assets, make_environments(assets))
    routes = [
        Route("/static/{version}/{name}", assets.serve),
        *(Route(page.path, _bound(page, web), methods=[page.method]) for page in PAGES),
    ]
    starlette = Starlette(routes=routes, exception_handlers={HTTPException: _unrouted(web)})
    pages = Guard(
        GZipMiddleware(starlette, minimum_size=800, compresslevel=6), hosts=services.settings.hosts
    )
    return _Doors(pages, mounts or {})


class _Doors:
    """Send a request to the app mounted at its prefix, else to the pages."""

    def __init__(self, pages: ASGIApp, mounts: Mapping[str, ASGIApp]) -> None:
        self.pages = pages
        self.mounts = sorted(mounts.items(), key=lambda mount: -len(mount[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        for prefix, app in self.mounts:
            if path == prefix or path.startswith(prefix + "/"):
                await app(scope, receive, send)
                return
        await self.pages(scope, receive, send)


def _bound(page: Page, web: Web) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        began = time.perf_counter()
        call = Call(request, web, _language_of(request), FormData())
        try:
            call = await _with_body(call, page)
            response = await run_in_threadpool(_answered, page, call)
        except Problem as problem:
            response = errors.page_of(call, problem)
        except HTTPException as refusal:
            response = errors.plain(call, refusal.status_code)
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody is there to read it
        except Exception as defect:  # noqa: BLE001 - the outermost loop: say sorry, keep serving
            response = _full_disk(call, defect) or _sorry(call, page, defect)
        finally:
            for sent in call.files:
                sent.file.close()
        _remember_language(request, response, web)
        SERVED.log(
            page=page.name,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - began) * 1000),
        )
        return response

    return endpoint


def _answered(page: Page, call: Call) -> Response:
    """Answer by the page's handler; what it showed is durable in the trail before it leaves."""
    trail = call.services.trail
    if trail is None:
        return page.handler(call)
    with trail.request(page.reason, door="pages") as asked:
        return page.handler(replace(call, asked=asked))


async def _with_body(call: Call, page: Page) -> Call:
    """Return the call with its form, or with the files of its form."""
    request, settings = call.request, call.services.settings
    if page.method != "POST":
        return call
    if page.takes_files:
        files = await read_files(
            request,
            field_name="files",
            bytes_max=settings.upload_bytes_max,
            folder=settings.upload_folder,
        )
        return replace(call, files=files)
    bounded = Request(request.scope, _bounded(request.receive, FORM_BYTES_MAX))
    return replace(call, form=await bounded.form(max_files=0))


def _full_disk(call: Call, defect: Exception) -> Response | None:
    """Answer a full disk as what it is; None for anything else."""
    is_full = isinstance(defect, OSError) and defect.errno in (errno.ENOSPC, errno.EDQUOT)
    return errors.plain(call, 507) if is_full else None


def _bounded(receive: Receive, limit: int) -> Receive:
    """Return a `receive` that raises when the body grows beyond `limit` bytes."""
    came = 0

    async def counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > limit:
            raise HTTPException(413)
        return message

    return counted


def _language_of(request: Request) -> str:
    return languages.chosen_language(
        request.query_params.get("lang"),
        request.cookies.get(languages.COOKIE),
        request.headers.get("accept-language", ""),
    )


def _remember_language(request: Request, response: Response, web: Web) -> None:
    asked = request.query_params.get("lang")
    if asked in languages.LANGUAGES:
        response.set_cookie(
            languages.COOKIE,
            asked,
            max_age=YEAR_SECONDS,
            httponly=True,
            samesite="lax",
            secure=web.services.settings.has_secure_cookies,
        )


def _sorry(call: Call, page: Page, defect: Exception) -> Response:
    """Answer a defect with the reference under which the log names its place."""
    return errors.plain(call, 500, reference=say_sorry(defect, page.name))


def _unrouted(web: Web) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, refusal: Exception) -> Response:
        status = refusal.status_code if isinstance(refusal, HTTPException) else 500
        call = Call(request, web, _language_of(request), FormData())
        return await run_in_threadpool(errors.plain, call, status)

    return answer
