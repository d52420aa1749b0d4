"""Write visits as the envelopes that hospitals send, with the variety of real files.

The variety is chosen per file from its number: base64 or inline content, byte-order mark,
empty tags written long, short or left out, CDATA around names, a trailing tab in supply
codes, an empty FILEHOSO, indented or not. All say the same rows.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from trucyte.intake.claims.tables import Row, Variant, Visit
from trucyte.synth.dice import Dice
from trucyte.synth.layout import Layout, layouts
from trucyte.synth.times import day_text

_STREAM_STYLE = 6
_NAMES = frozenset(("HO_TEN", "DIA_CHI"))
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_SPACES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)


@dataclass(frozen=True, slots=True)
class Style:
    """How one file is written."""

    is_inline: bool = False
    has_mark: bool = False  # byte-order mark
    empty: str = "short"  # "short" <A/>, "long" <A></A>, "none" left out
    has_cdata: bool = False
    has_tabs: bool = False
    has_empty_files: bool = False  # an empty FILEHOSO for a table that is not there
    is_indented: bool = True
    inner_declaration: bool = True


def style_of(seed: int, file_number: int, *, inline: bool) -> Style:
    """Return the style of a file; the first file is plain."""
    if file_number == 0:
        return Style(is_inline=inline)
    dice = Dice(seed, _STREAM_STYLE, file_number)
    return Style(
        is_inline=inline or dice.happens(0.1),
        has_mark=dice.happens(0.3),
        empty=dice.pick(("short", "long", "short", "none")),
        has_cdata=dice.happens(0.25),
        has_tabs=dice.happens(0.2),
        has_empty_files=dice.happens(0.3),
        is_indented=dice.happens(0.6),
        inner_declaration=dice.happens(0.7),
    )


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    open: str
    close: str
    empty: str
    is_name: bool
    is_supply: bool


@lru_cache(maxsize=256)
def _tags(variant: Variant, table: str, style: Style) -> tuple[Layout, Sequence[_Tag]]:
    layout = layouts(variant)[table]
    end = "\n" if style.is_indented else ""
    start = "  " * (len(layout.wrappers)) if style.is_indented else ""
    made = []
    for name in layout.fields:
        empty = {"short": f"{start}<{name}/>{end}", "long": f"{start}<{name}></{name}>{end}"}
        made.append(
            _Tag(
                name=name,
                open=f"{start}<{name}>",
                close=f"</{name}>{end}",
                empty=empty.get(style.empty, ""),
                is_name=style.has_cdata and name in _NAMES,
                is_supply=style.has_tabs and name == "MA_VAT_TU",
            )
        )
    return layout, made


def table_xml(variant: Variant, table: str, rows: Sequence[Row], style: Style) -> str:
    """Return the inner document of one table."""
    layout, tags = _tags(variant, table, style)
    element = layout.wrappers[-1]
    gap = "\n" if style.is_indented else ""
    indent = "  " * (len(layout.wrappers) - 1) if style.is_indented else ""
    parts = [_DECLARATION + gap] if style.inner_declaration and not style.is_inline else []
    parts += [f"<{name}>{gap}" for name in layout.wrappers[:-1]]
    for row in rows:
        parts.append(f"{indent}<{element}>{gap}")
        get = row.get
        for tag in tags:
            value = get(tag.name)
            if value:
                parts += (tag.open, _content(value, tag), tag.close)
            elif tag.empty:
                parts.append(tag.empty)
        parts.append(f"{indent}</{element}>{gap}")
    parts += [f"</{name}>{gap}" for name in reversed(layout.wrappers[:-1])]
    return "".join(parts)


def _content(value: str, tag: _Tag) -> str:
    if tag.is_name:
        return f"<![CDATA[{value}]]>"
    if "&" in value or "<" in value or ">" in value:
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{value}\t" if tag.is_supply else value


def visit_xml(visit: Visit, style: Style) -> str:
    """Return the HOSO element of a visit; XML0 is another document and is not in it."""
    parts = ["<HOSO>"]
    for table in layouts(visit.variant):
        rows = visit.tables.get(table)
        if table == "XML0":
            continue
        if not rows:
            if style.has_empty_files and table in ("XML8", "XML10", "XML11"):
                parts.append(_file(table, ""))
            continue
        for document in _documents(visit.variant, table, rows):
            inner = table_xml(visit.variant, table, document, style)
            parts.append(_file(table, inner if style.is_inline else _base64(inner)))
    parts.append("</HOSO>\n")
    return "".join(parts)


def _documents(variant: Variant, table: str, rows: list[Row]) -> Iterable[list[Row]]:
    """Yield the rows of each inner document: a table without a list has one row in each."""
    if len(layouts(variant)[table].wrappers) == 1:
        return ([row] for row in rows)
    return (rows,)


def _file(table: str, content: str) -> str:
    return (
        f"<FILEHOSO><LOAIHOSO>{table}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>\n"
    )


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def envelope(
    visits: Sequence[Visit], *, facility: str, made_on: int, style: Style, bodies: Iterable[str]
) -> bytes:
    """Return a whole file; `bodies` are the HOSO elements of `visits`, `made_on` an ordinal."""
    text = (
        f"{_DECLARATION}\n<GIAMDINHHS {_SPACES}>\n"
        f"<THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI>\n"
        f"<THONGTINHOSO><NGAYLAP>{day_text(made_on)}</NGAYLAP>"
        f"<SOLUONGHOSO>{len(visits)}</SOLUONGHOSO>\n<DANHSACHHOSO>\n"
        f"{''.join(bodies)}"
        "</DANHSACHHOSO>\n</THONGTINHOSO>\n<CHUKYDONVI/>\n</GIAMDINHHS>\n"
    )
    return (b"\xef\xbb\xbf" if style.has_mark else b"") + text.encode()


def check_ins(visits: Sequence[Visit]) -> bytes:
    """Return the XML0 document of the visits that have a check-in; empty where none has."""
    rows = [row for visit in visits for row in visit.tables.get("XML0", ())]
    if not rows:
        return b""
    inner = table_xml(visits[0].variant, "XML0", rows, Style(is_inline=True))
    root = layouts(visits[0].variant)["XML0"].wrappers[0]
    return f"{_DECLARATION}\n{inner}".replace(f"</{root}>", f"<CHUKYDONVI/></{root}>").encode()
