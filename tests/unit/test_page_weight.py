"""A first visit stays under 100 kB on the wire, fonts and scripts included."""

import gzip
import re

import pytest

from tests.support.asgi import ask
from tests.support.web_services import fake_services
from trucyte.web.app import make_app
from trucyte.web.static import FOLDER, Assets

LIMIT = 100_000
FONTS = ("be-vietnam-pro-400.woff2", "be-vietnam-pro-600.woff2")


@pytest.mark.parametrize(
    "address", ["/", "/files/8", "/people/p1", "/visits/v1", "/identity/pairs/1", "/_styleguide"]
)
def test_a_first_visit_is_light(address: str) -> None:
    if not (FOLDER / "vendor" / FONTS[0]).exists():
        pytest.skip("the vendor files are not built; `make setup` does")
    pages = make_app(fake_services())
    zipped = {"accept-encoding": "gzip, br"}
    page = ask(pages, "GET", address, headers=zipped)
    assert page.headers["content-encoding"] == "gzip"
    html = gzip.decompress(page.body).decode()
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', html))
    named |= {Assets().path(font) for font in FONTS}
    replies = [ask(pages, "GET", name, headers=zipped) for name in named]
    assert len(named) >= 6 and all(reply.status == 200 for reply in replies)
    weight = sum(len(reply.body) + 400 for reply in (page, *replies))  # 400: headers, generously
    assert weight < LIMIT, weight


def test_the_sheet_and_scripts_name_no_file_that_is_not_there() -> None:
    pages = make_app(fake_services())
    assets = Assets()
    sheet = ask(pages, "GET", assets.path("app.css")).body.decode()
    for name in re.findall(r'url\("([^"]+)"\)', sheet):
        assert name in assets or name in FONTS
