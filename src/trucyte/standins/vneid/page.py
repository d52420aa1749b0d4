"""The one page of the stand-in. It says what it is before it says anything else."""

from collections.abc import Sequence
from html import escape
from typing import Final

from trucyte.standins.vneid.people import Person

# No address of another host, no script; the style is allowed by its hash alone.
STYLE: Final = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:0 auto;padding:1rem;"
    "color:#14201d;background:#fff}"
    ".notice{border:3px solid #8a4b00;background:#fff3dd;padding:1rem;color:#3a2000}"
    "button{display:block;width:100%;text-align:left;font:inherit;padding:.8rem 1rem;"
    "margin:.5rem 0;border:2px solid #35524a;border-radius:.4rem;background:#f4faf8;color:#14201d}"
)
_HEAD: Final = """<!doctype html><html lang="vi"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Thế vai đăng nhập · Login stand-in</title><style>{style}</style></head><body><main>
<div class="notice"><h1>Đây là trang thế vai, không phải VNeID</h1>
<p>Chỉ dùng để thử. Mọi người ở đây đều là người không có thật. Đừng nhập giấy tờ thật.</p>
<p lang="en">This is a stand-in for tests, not VNeID. Everybody here is invented. Never type
papers of anyone real.</p></div>"""
_TAIL: Final = "</main></body></html>"


def login_page(people: Sequence[Person], secret: str, application: str) -> str:
    """Return the page on which one chooses who to be."""
    rows = "".join(
        f'<button name="number" value="{escape(one.number)}">{escape(one.name)} · '
        f"{escape(one.number)} · mức {one.level}</button>"
        for one in people
    )
    return (
        _HEAD.format(style=STYLE)
        + f"<h2>{escape(application)}: bạn đăng nhập là ai? "
        + '<span lang="en">Who are you?</span></h2>'
        + '<form method="post" action="/oauth/authorize">'
        + f'<input type="hidden" name="secret" value="{escape(secret)}">{rows}'
        + '<button name="number" value="">Không đăng nhập · Decline</button></form>'
        + _TAIL
    )


def trouble_page(reason: str) -> str:
    """Return the page on which a request cannot be answered."""
    return _HEAD.format(style=STYLE) + f'<p lang="en">{escape(reason)}</p>' + _TAIL
