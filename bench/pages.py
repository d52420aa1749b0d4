"""Pages: what rendering one costs, and what a first visit weighs on the wire.

    python -m bench.pages [--rounds 200]

The records are in memory, so this is the pages' own part; reading through the gate comes on top.
"""

import argparse
import gzip
import re
import time
from statistics import median

from bench.record import record
from tests.support.asgi import ask
from tests.support.web_services import fake_services
from trucyte.web.app import make_app
from trucyte.web.static import Assets

ADDRESSES = {
    "start": "/",
    "file": "/files/8",
    "visit": "/visits/v1",
    "person": "/people/p1",
    "health": "/health",
}
FONTS = ("be-vietnam-pro-400.woff2", "be-vietnam-pro-600.woff2")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    pages = make_app(fake_services())
    measures = {}
    for name, address in ADDRESSES.items():
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            ask(pages, "GET", address, headers={"accept-encoding": "gzip"})
            times.append((time.perf_counter() - began) * 1000)
        measures[f"{name} page"] = (median(times), "ms")
        measures[f"{name}, first visit"] = (weight(pages, address) / 1000, "kB")
    record("pages", measures)


def weight(pages: object, address: str) -> int:
    """Return the bytes of a page with everything it needs, as a browser gets them."""
    zipped = {"accept-encoding": "gzip"}
    page = ask(pages, "GET", address, headers=zipped)
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', gzip.decompress(page.body).decode()))
    named |= {Assets().path(font) for font in FONTS}
    return len(page.body) + sum(len(ask(pages, "GET", n, headers=zipped).body) for n in named)


if __name__ == "__main__":
    main()
