"""Invented figures for the styleguide; nothing else reads them."""

from types import SimpleNamespace

from markupsafe import Markup

from trucyte.web.charts import Bar, Point

_HOURS = (0, 0, 0, 0, 0, 2, 41, 310, 890, 1240, 1020, 640, 220, 380, 700, 655, 402, 120, 36, 8, 3)
_CASES = (9, 11, 10, 12, 14, 13, 15, 14, 16, 17, 16, 18, 21, 29, 36, 41)
_QR_SIDE = 21


def styleguide_samples() -> SimpleNamespace:
    """Return what the styleguide draws."""
    return SimpleNamespace(
        bars=[
            Bar(f"{hour}h", count, str(count), is_now=hour == 20)
            for hour, count in enumerate(_HOURS)
        ],
        line=[
            Point(str(31 + week), cases, 10 + week * 0.4, 20 + week * 0.6, is_alarm=week > 13)
            for week, cases in enumerate(_CASES)
        ],
        qr=_pattern(),
    )


def _pattern() -> Markup:
    """Draw squares in the manner of a QR code, which no reader takes for one."""
    cells = [
        f"M{x} {y}h1v1h-1z"
        for y in range(_QR_SIDE)
        for x in range(_QR_SIDE)
        if (x * 7 + y * 11 + x * y) % 3 == 0
    ]
    return Markup(
        '<svg viewBox="0 0 {0} {0}" role="img" aria-label="QR"><path d="{1}"/></svg>'
    ).format(_QR_SIDE, " ".join(cells))
