"""A line on standard error that is drawn over itself, for people who watch a terminal.

Whoever is not at a terminal sees nothing of it.
"""

import sys
from typing import Final

BAR_WIDTH: Final = 24
_CLEAR: Final = "\r\033[K"
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def is_watched() -> bool:
    """Say whether somebody sees standard error as it is written."""
    return sys.stderr.isatty()


def draw_line(text: str) -> None:
    """Draw the line anew."""
    if is_watched():
        sys.stderr.write(_CLEAR + text)
        sys.stderr.flush()


def clear_line() -> None:
    """Take the line away, so that something else can be written."""
    draw_line("")


def bar(share: float) -> str:
    """Return a bar that is full up to `share`, 0 to 1."""
    full = round(BAR_WIDTH * min(1.0, max(0.0, share)))
    return f"[{'█' * full}{'·' * (BAR_WIDTH - full)}]"


def bytes_words(size: int) -> str:
    """Return a number of bytes as people read it: 1.5 GB."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} B"
