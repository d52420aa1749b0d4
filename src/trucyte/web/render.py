"""Templates: one environment a language, escaping always on.

A `Call` is what a page handler gets: the request, what the node offers, the language.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from trucyte.base.clock import VIETNAM
from trucyte.records.access import Access
from trucyte.shared.access.subject import Subject
from trucyte.shared.audit.asked import Asked
from trucyte.web import charts, formats
from trucyte.web.doorway import FORM_FIELD, LOCAL_VISITOR, Visitor
from trucyte.web.language import LANGUAGES, marked, translations
from trucyte.web.multipart import SentFile
from trucyte.web.services import Services, WebSettings
from trucyte.web.static import Assets

PAGES = Path(__file__).parent / "pages"
THEMES = ("system", "light", "dark")
# Text in templates is escaped, so a form's tag ends at its first ">".
# A form that is sent again carries what it came with.
_FORM_TAG = re.compile(r'<form\b(?! data-own-key)[^>]*\bmethod="post"[^>]*>')


@dataclass(frozen=True, slots=True)
class Web:
    """What every page of one node shares."""

    services: Services
    assets: Assets
    environments: Mapping[str, Environment]
    opens: Callable[[str, Subject], bool] = lambda path, subject: True  # a page for a subject


@dataclass(frozen=True, slots=True)
class Call:
    """One request for one page."""

    request: Request
    web: Web
    language: str
    form: FormData
    files: Sequence[SentFile] = ()
    asked: Asked | None = None  # this request in the trail
    visitor: Visitor = LOCAL_VISITOR

    @property
    def subject(self) -> Subject:
        """Who is before the page, as rules see them."""
        return self.visitor.subject

    @property
    def services(self) -> Services:
        """What the node offers."""
        return self.web.services

    def access(self, purpose: str) -> Access:
        """Return what the person before the page may see, entered as one with this request."""
        access = self.services.access(self.subject, purpose)
        return access if self.asked is None else self.asked.of(access)

    @property
    def is_part(self) -> bool:
        """Say whether only a part of the page is asked for."""
        return "hx-request" in self.request.headers

    def text(self, message: str) -> str:
        """Return a message in the language of this call."""
        return translations(self.language).gettext(message)

    def page(self, template: str, *, http_status: int = 200, **facts: Any) -> Response:
        """Render a template of `pages/` with its facts."""
        html = (
            self.web.environments[self.language]
            .get_template(template)
            .render(
                path=self.request.url.path,
                theme=theme_of(self.request),
                settings=self.services.settings,
                now=self.services.clock.now().astimezone(VIETNAM),
                who=self.visitor,
                opens=self.opens,
                **facts,
            )
        )
        return HTMLResponse(
            self._with_form_key(html),
            status_code=http_status,
            headers={"Content-Language": self.language},
        )

    def opens(self, path: str) -> bool:
        """Say whether the page at a path of the table opens for who is here."""
        return self.web.opens(path, self.subject)

    def _with_form_key(self, html: str) -> str:
        """Return the page with what its forms carry, in every form that sends something."""
        key = self.visitor.form_key
        if not key:
            return html
        field = f'<input type="hidden" name="{FORM_FIELD}" value="{key}">'
        return _FORM_TAG.sub(lambda tag: tag[0] + field, html)


def theme_of(request: Request) -> str:
    """Return the theme remembered by the browser, "system" where none is."""
    theme = request.cookies.get("theme", "system")
    return theme if theme in THEMES else "system"


def make_environments(assets: Assets) -> dict[str, Environment]:
    """Return an environment for each language, over the same templates."""
    return {language: _environment(language, assets) for language in LANGUAGES}


def _environment(language: str, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    catalogue = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined] # added by the extension
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    environment.filters.update(
        number=partial(formats.number, language=language),
        count=partial(formats.number, language=language, is_count=True),
        sentence=formats.sentence,
        window=formats.title,
        facility=partial(_facility, translate=catalogue.gettext),
        money=partial(formats.money, language=language),
        size=partial(formats.size, language=language),
        day=formats.day,
        moment=formats.moment,
        clock_time=formats.clock_time,
    )
    environment.filters["money_rows"] = lambda shares: [
        (catalogue.gettext(word), formats.money(amount, language)) for word, amount in shares
    ]
    environment.globals.update(
        language=language,
        assets=assets,
        charts=charts,
        as_number=as_number,
        iso=_iso,
        until=formats.until,
    )
    return environment


def _facility(code: str, own: WebSettings, translate: Callable[[str], str]) -> str:
    """Return what to call a facility: this node by its name, another by what is known."""
    if code and code == own.node_code:
        return own.node_name
    name = own.facility_name(code) if code.isascii() and code.isalnum() else ""
    if name:
        return name
    return translate(marked("cơ sở %(code)s")) % {"code": code} if code.isdigit() else code


def as_number(value: object) -> float | None:
    """Return a value as a number to draw, or None; what is shown stays the exact text."""
    try:
        return float(str(value))
    except ValueError:
        return None


def _iso(value: datetime | str | None) -> str:
    return value.isoformat() if isinstance(value, datetime) else value or ""
