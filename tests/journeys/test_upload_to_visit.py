"""A claims file, sent by the page, becomes a visit, a person and a proof, on a real node."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.support.asgi import Reply, ask
from trucyte.base.settings import DatabaseSettings, Settings
from trucyte.database.connect import Database
from trucyte.intake.door import work_on
from trucyte.journal.evidence import evidence_from_json, verify_evidence
from trucyte.node.language import DEFINITIONS
from trucyte.node.serve import make_site
from trucyte.node.wiring import Node, open_node

EXAMPLES = Path(__file__).parents[2] / "examples" / "claims"
FORM = {"content-type": "application/x-www-form-urlencoded"}
FILES = {"content-type": "multipart/form-data; boundary=B"}


@pytest.fixture
def node(database: Database, tmp_path: Path) -> Iterator[Node]:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    settings = Settings(data=tmp_path, database=DatabaseSettings(url=database.url))
    with open_node(settings) as node:
        yield node


@pytest.fixture
def site(node: Node) -> Any:
    return make_site(node)


def send(site: Any, name: str, data: bytes) -> str:
    """Send a file by the form; return the address of its page."""
    body = (
        f'--B\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n--B--\r\n"
    )
    reply = ask(site, "POST", "/files", body=body, headers=FILES)
    assert reply.status == 303
    return reply.headers["location"]


def work(node: Node, address: str) -> None:
    work_on(node.door, [int(address.rpartition("/")[2])], 0, Event())


def text(reply: Reply) -> str:
    assert reply.status == 200, reply.status
    return html.unescape(reply.body.decode())


def first(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found, pattern
    return found[1]


def test_a_file_becomes_a_visit_that_is_found_and_proved(node: Node, site: Any) -> None:
    sample = sorted(EXAMPLES.glob("*.xml"))[0]
    data = sample.read_bytes()
    address = send(site, sample.name, data)
    assert "đang chờ" in text(ask(site, "GET", address))
    work(node, address)

    page = text(ask(site, "GET", address))
    assert sample.name in page and "hx-get" not in page
    assert ask(site, "GET", f"{address}/original").body == data
    visit = first(r'href="(/visits/[a-z0-9]+)"', page)

    read = text(ask(site, "GET", visit))
    assert "Viêm họng cấp" in read and "J02.9" in read and "R50.9" in read
    assert "1 viên/lần * 2 lần/ngày * 5 ngày" in read and "Uống sau ăn" in read
    assert "597.626,90" in read and sample.name in read
    person = first(r'href="(/people/[a-z0-9]+)"', read)
    assert "NGUYỄN VĂN MẪU" in text(ask(site, "GET", person))

    for query in ("name=nguyen+van+mau&year=1985", "number=GD4000000000001", "words=000085000001"):
        found = ask(site, "POST", "/people", body=query.encode(), headers=FORM)
        assert person in found.body.decode(), query

    proof = text(ask(site, "POST", f"{visit}/proof"))
    assert "Niêm phong kỹ thuật còn nguyên" in proof
    evidence = evidence_from_json(ask(site, "GET", f"{visit}/evidence.json").body)
    assert verify_evidence(evidence, node.keyring.public_key).type == "Encounter"

    assert send(site, "again.xml", data) == address
    start = text(ask(site, "GET", "/"))
    assert sample.name in start and "Sổ nhật ký ở dòng" in start
    assert "PostgreSQL" in text(ask(site, "GET", "/health"))


def test_what_cannot_be_read_is_said_with_its_mend(node: Node, site: Any) -> None:
    data = sorted(EXAMPLES.glob("*.xml"))[0].read_bytes()
    address = send(site, "cut.xml", data[: len(data) // 2])
    work(node, address)
    page = text(ask(site, "GET", address))
    assert "cách ly" in page and "gửi lại" in page
    assert "Không có gì bị cách ly" not in text(ask(site, "GET", "/quarantine"))
    assert address in text(ask(site, "GET", "/quarantine"))


def test_a_visit_of_a_sensitive_kind_stays_closed(node: Node, site: Any) -> None:
    data = (EXAMPLES / first_plain()).read_bytes().replace(b"J02.9", b"B20.0")
    address = send(site, "closed.xml", data)
    work(node, address)
    page = text(ask(site, "GET", address))
    assert "hạn chế" in page and "/visits/" not in page.replace(f"{address}/visits/", "")
    assert ask(site, "GET", f"{address}/original").status == 403
    closed = text(ask(site, "GET", f"{address}/visits/1"))
    assert "Hạn chế" in closed and "B20" not in closed
    for words in ("name=nguyen", "number=GD4000000000001"):
        people = ask(site, "POST", "/people", body=words.encode(), headers=FORM).body.decode()
        assert "B20" not in people


def first_plain() -> str:
    """The name of an example whose tables are not in base64."""
    for path in sorted(EXAMPLES.glob("*.xml")):
        if b"<MA_BENH_CHINH>J02.9" in path.read_bytes():
            return path.name
    raise AssertionError("no example with inline tables")
