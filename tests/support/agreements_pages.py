"""The pages of consents and requests over a node of one test, before somebody in particular."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from tests.support.agreements import Agreed
from tests.support.asgi import Reply, ask
from tests.support.web_services import SilentRecorder, fake_services
from trucyte.records import Access
from trucyte.shared.access.subject import LOCAL, Subject
from trucyte.web.app import make_app
from trucyte.web.doorway import FORM_FIELD, Visitor
from trucyte.web.reader import RecordsReader

KEY = "k1"


@dataclass(frozen=True)
class OneDoorway:
    """Lets one subject in, without a login."""

    subject: Subject

    def visitor(self, request: Request) -> Visitor:
        return Visitor(self.subject, form_key=KEY)

    def worked(self, visitor: Visitor) -> None:
        """Remember nothing."""


def access_of(subject: Subject, purpose: str) -> Access:
    return Access(
        subject.account,
        purpose,
        sees_restricted=False,
        recorder=SilentRecorder(),
        persons=subject.persons if subject.kind == "citizen" else None,
    )


def citizen(agreed: Agreed, own: str) -> Subject:
    """A citizen, as a login makes one: known by the own record."""
    persons = frozenset(agreed.all.persons.circle(own))
    return Subject(own, "citizen", frozenset({"citizen"}), persons=persons)


def clerk() -> Subject:
    return Subject("vt-mau", "staff", frozenset({"clerk"}))


@dataclass(frozen=True)
class Pages:
    """Pages as one subject sees them."""

    app: Any

    def get(self, path: str) -> Reply:
        return ask(self.app, "GET", path)

    def post(self, path: str, **form: str) -> Reply:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return ask(
            self.app,
            "POST",
            path,
            body=urlencode({FORM_FIELD: KEY, **form}).encode(),
            headers=headers,
        )

    def send(self, path: str, form: Mapping[str, str], sheet: bytes = b"") -> Reply:
        """Send a form with a file."""
        parts = [
            f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {FORM_FIELD: KEY, **form}.items()
        ]
        if sheet:
            head = b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
            parts.append(head + sheet + b"\r\n")
        headers = {"content-type": "multipart/form-data; boundary=x"}
        return ask(self.app, "POST", path, body=b"".join([*parts, b"--x--\r\n"]), headers=headers)


def app_of(agreed: Agreed, subject: Subject = LOCAL) -> Any:
    services = replace(
        fake_services(),
        records=RecordsReader(agreed.node.records),
        access=access_of,
        clock=agreed.clock,
        identity=None,
        agreements=agreed.all,
        doorway=OneDoorway(subject),  # type: ignore[arg-type] # as far as these pages ask
    )
    return make_app(services)


def pages_of(agreed: Agreed, subject: Subject = LOCAL) -> Pages:
    return Pages(app_of(agreed, subject))
