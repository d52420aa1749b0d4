"""The pages as one ASGI callable: a table of routes, each bound to a plain function.

A handler is synchronous and gets a `Call`; it runs in a thread, so a slow disk or
database never holds up another page. The FHIR API and other doors are mounted beside
the pages by prefix and see none of their middleware.
"""

import errno
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

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
from trucyte.shared.access.subject import NOBODY, Subject
from trucyte.web import language as languages
from trucyte.web.admission import (
    ANYONE,
    FILES,
    IDENTITY,
    OPEN,
    OPERATION,
    PEOPLE,
    TRAIL,
    VISITS,
    admitted,
    check_admission,
    check_form_of,
    resend,
    turned_away,
)
from trucyte.web.defects import say_sorry
from trucyte.web.doorway import LOCAL_VISITOR, Visitor
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
from trucyte.web.oauth.pages import OAUTH_PAGES
from trucyte.web.page import Page
from trucyte.web.render import Call, Web, make_environments
from trucyte.web.security import Guard
from trucyte.web.services import Services
from trucyte.web.staff_pages import STAFF_PAGES
from trucyte.web.static import Assets

SERVED = Event("web.page-served", page=str, status=int, milliseconds=int)
YEAR_SECONDS = 365 * 24 * 3600
FORM_BYTES_MAX = 1 << 17  # of a form without files; 10,000 letters, each as nine signs, fit


NOBODY_YET = Visitor(NOBODY)


PAGES: Sequence[Page] = (
    Page("today", "GET", "/", today.page),
    Page("files", "GET", "/files", files.listing, roles=FILES),
    Page("upload", "POST", "/files", upload.receive, takes_files=True, roles=FILES),
    Page("upload-form", "GET", "/upload", upload.form, roles=FILES),
    Page("file", "GET", "/files/{number:int}", files.one, roles=FILES),
    Page("file-progress", "GET", "/files/{number:int}/progress", files.progress, roles=FILES),
    Page("file-original", "GET", "/files/{number:int}/original", files.original, roles=FILES),
    Page("file-excel", "GET", "/files/{number:int}/findings.xlsx", files.excel, roles=FILES),
    Page("file-rule", "GET", "/files/{number:int}/rules/{rule}", files.rule_in_file, roles=FILES),
    Page(
        "file-visit",
        "GET",
        "/files/{number:int}/visits/{ordinal:int}",
        files.visit_in_file,
        roles=FILES,
    ),
    Page("quarantine", "GET", "/quarantine", files.quarantine, roles=FILES),
    Page("rule", "GET", "/rules/{rule}", files.rule),
    Page("people", "GET", "/people", people.search_form, roles=PEOPLE),
    Page("people-found", "POST", "/people", people.search, reason="search Patient", roles=PEOPLE),
    Page("person", "GET", "/people/{id}", people.one, reason="page Patient", roles=PEOPLE),
    Page(
        "person-trail",
        "GET",
        "/people/{id}/trail",
        looks.of_person,
        reason="page AuditEvent",
        roles=TRAIL,
    ),
    Page(
        "person-look",
        "GET",
        "/people/{id}/trail/{entry}/evidence.json",
        looks.evidence,
        reason="read AuditEvent",
        roles=TRAIL,
    ),
    Page(
        "link",
        "GET",
        "/people/{id}/links/{other}",
        identity.link,
        reason="page Patient",
        roles=IDENTITY,
    ),
    Page(
        "unlink",
        "POST",
        "/people/{id}/links/{other}",
        identity.unlink,
        reason="page Patient",
        roles=IDENTITY,
    ),
    Page("pairs", "GET", "/identity", identity.listing, reason="page Linkage", roles=IDENTITY),
    Page(
        "pair",
        "GET",
        "/identity/pairs/{number:int}",
        identity.one,
        reason="page Linkage",
        roles=IDENTITY,
    ),
    Page(
        "pair-decide",
        "POST",
        "/identity/pairs/{number:int}/decide",
        identity.decide,
        reason="page Linkage",
        roles=IDENTITY,
    ),
    Page(
        "pair-revise",
        "POST",
        "/identity/pairs/{number:int}/revise",
        identity.revise,
        reason="page Linkage",
        roles=IDENTITY,
    ),
    Page("visit", "GET", "/visits/{id}", visits.one, reason="page Encounter", roles=VISITS),
    Page(
        "visit-proof",
        "POST",
        "/visits/{id}/proof",
        visits.proof,
        reason="page Encounter",
        roles=VISITS,
    ),
    Page(
        "visit-evidence",
        "GET",
        "/visits/{id}/evidence.json",
        visits.evidence,
        reason="read Encounter",
        roles=VISITS,
    ),
    Page("subscriptions", "GET", "/subscriptions", subscriptions.listing, roles=OPERATION),
    Page(
        "subscription-retry",
        "POST",
        "/subscriptions/{id}/retry",
        subscriptions.retry,
        roles=OPERATION,
    ),
    Page("health", "GET", "/health", health.page),
    Page(
        "parameters",
        "GET",
        "/parameters",
        parameters.page,
        reason="page SearchParameter",
        roles=OPERATION,
    ),
    Page(
        "parameter-change",
        "POST",
        "/parameters/{id}/{what}",
        parameters.change,
        reason="page SearchParameter",
        roles=OPERATION,
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
    Page("help", "GET", "/help", simple.help_page, roles=OPEN),
    Page("styleguide", "GET", "/_styleguide", simple.styleguide),
    Page("preferences", "POST", "/preferences", simple.preferences, roles=OPEN),
    *OAUTH_PAGES,
    *STAFF_PAGES,
)


def make_app(services: Services, mounts: Mapping[str, ASGIApp] | None = None) -> ASGIApp:
    """Return the pages of a node; `mounts` gives further ASGI apps by path prefix."""
    assets = Assets()
    web = Web(services, assets, make_environments(assets), _opens)
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


_OF_PATH = {page.path: page.roles for page in PAGES if page.method == "GET"}


def _opens(path: str, subject: Subject) -> bool:
    """Say whether the page at a path would be shown to a subject: links to others are left out."""
    return admitted(_OF_PATH.get(path, ANYONE), subject)


def _bound(page: Page, web: Web) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        began = time.perf_counter()
        call = Call(request, web, _language_of(request), FormData(), visitor=NOBODY_YET)
        try:
            call = await _with_visitor(call)
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


async def _with_visitor(call: Call) -> Call:
    """Return the call with who asks."""
    doorway = call.services.doorway
    if doorway is None:
        return replace(call, visitor=LOCAL_VISITOR)
    return replace(call, visitor=await run_in_threadpool(doorway.visitor, call.request))


def _answered(page: Page, call: Call) -> Response:
    """Answer by the page's handler; what it showed is durable in the trail before it leaves."""
    trail = call.services.trail
    if trail is None:
        return _handled(page, call)
    with trail.request(page.reason, door="pages") as asked:
        return _handled(page, replace(call, asked=asked))


def _handled(page: Page, call: Call) -> Response:
    """Let who may pass to the handler. Raises RoleMissing, FormStale."""
    away = turned_away(page.roles, call)
    if away is not None:
        return away if page.method == "GET" else resend(call)
    check_admission(page.roles, call)
    if page.method == "POST":
        check_form_of(call)
    if call.services.doorway is not None and not call.is_part:
        call.services.doorway.worked(call.visitor)
    return page.handler(call)


async def _with_body(call: Call, page: Page) -> Call:
    """Return the call with its form, or with the files of its form."""
    request, settings = call.request, call.services.settings
    if page.method != "POST":
        return call
    if page.takes_files:
        if call.subject is NOBODY:
            raise HTTPException(401)  # before a gigabyte was read for nothing
        files, fields = await read_files(
            request,
            field_name="files",
            bytes_max=settings.upload_bytes_max,
            folder=settings.upload_folder,
        )
        return replace(call, files=files, form=FormData(dict(fields)))
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
