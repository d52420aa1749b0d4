"""Front-end files that others made: taken from wheels as data, cut to what the pages need.

htmx comes as it is; Be Vietnam Pro (SIL Open Font License 1.1) is cut to Latin and
Vietnamese in the two weights the design uses, and gains figures of one width, which it
lacks and tables need. Runs when the program is built, never when it serves; the notices of
both travel beside the files. fontTools comes with the `build` extra only, so it is imported
where it is used.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

WEIGHTS = {400: "Regular", 600: "SemiBold"}

# Latin, Vietnamese (composed and as combining marks), and the signs of numbers and clinic notes.
CHARACTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x100),
    *(0x102, 0x103, 0x110, 0x111, 0x128, 0x129, 0x168, 0x169, 0x1A0, 0x1A1, 0x1AF, 0x1B0),
    *range(0x1EA0, 0x1EFA),
    *(0x300, 0x301, 0x302, 0x303, 0x306, 0x309, 0x31B, 0x323),
    *range(0x2010, 0x2016),
    *(0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x2030, 0x20AB),
    *(0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2248, 0x2260, 0x2264, 0x2265, 0x3BC),
)
FIGURE_MARGIN = 22  # on either side of the widest figure, in 1/1000 em
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum"]


def build_vendor(wheels: Path) -> dict[str, bytes]:
    """Return the files of `static/vendor/` by name, made from the wheels in a folder.

    Raises FileNotFoundError where a wheel is missing.
    """
    htmx = _wheel(wheels, "django_htmx")
    font = _wheel(wheels, "fontpkg_be_vietnam_pro")
    files = {
        "htmx-4.min.js": htmx.read("django_htmx/static/django_htmx/htmx-4.min.js"),
        "be-vietnam-pro.LICENSE.txt": font.read("fontpkg_be_vietnam_pro/LICENSE"),
        "htmx.LICENSE.txt": _HTMX_NOTICE,
    }
    for weight, style in WEIGHTS.items():
        source = font.read(f"fontpkg_be_vietnam_pro/files/BeVietnamPro-{style}.ttf")
        files[f"be-vietnam-pro-{weight}.woff2"] = cut_font(source)
    return files


def cut_font(source: bytes) -> bytes:
    """Return a TrueType font cut to `CHARACTERS`, with tabular figures, as woff2."""
    from fontTools import subset  # noqa: PLC0415 - in the `build` extra only
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - as above

    options = subset.Options(
        layout_features=FEATURES,
        hinting=False,
        name_IDs=[0, 1, 2, 5, 13, 14],  # the copyright and the licence stay inside
        notdef_outline=True,
    )
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=CHARACTERS)
    cutter.subset(font)
    _add_tabular_figures(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def _add_tabular_figures(font: Any) -> None:
    """Add a `tnum` feature: each digit again, centred on the width of the widest."""
    from fontTools.otlLib.builder import buildLookup, buildSingleSubstSubtable  # noqa: PLC0415 - as above
    from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415 - as above
    from fontTools.ttLib.tables import otTables  # noqa: PLC0415 - as above

    names = {ord(digit): font.getBestCmap()[ord(digit)] for digit in "0123456789"}
    shapes = {name: font["glyf"][name] for name in names.values()}
    width = max(shape.xMax - shape.xMin for shape in shapes.values()) + 2 * FIGURE_MARGIN
    for name, shape in shapes.items():
        bearing = font["hmtx"][name][1]
        shift = (width - shape.xMax - shape.xMin) // 2
        pen = TTGlyphPen(font.getGlyphSet())
        pen.addComponent(name, (1, 0, 0, 1, shift, 0))
        font["glyf"][f"{name}.tnum"] = pen.glyph()
        font["hmtx"][f"{name}.tnum"] = (width, bearing + shift)
    table = font["GSUB"].table
    pairs = {name: f"{name}.tnum" for name in names.values()}
    table.LookupList.Lookup.append(buildLookup([buildSingleSubstSubtable(pairs)]))
    feature = otTables.Feature()
    feature.FeatureParams = None
    feature.LookupListIndex = [len(table.LookupList.Lookup) - 1]
    record = otTables.FeatureRecord()
    record.FeatureTag, record.Feature = "tnum", feature
    table.FeatureList.FeatureRecord.append(record)
    number = len(table.FeatureList.FeatureRecord) - 1
    for script in table.ScriptList.ScriptRecord:
        for language in [script.Script.DefaultLangSys, *_languages(script)]:
            if language is not None:
                language.FeatureIndex.append(number)


def _languages(script: Any) -> list[Any]:
    return [record.LangSys for record in script.Script.LangSysRecord]


def _wheel(folder: Path, name: str) -> zipfile.ZipFile:
    found = sorted(folder.glob(f"{name}-*.whl"))
    if not found:
        raise FileNotFoundError(f"no wheel {name}-*.whl in {folder}")
    return zipfile.ZipFile(found[-1])


_HTMX_NOTICE = b"""htmx, https://htmx.org, under the Zero-Clause BSD licence:

Permission to use, copy, modify, and/or distribute this software for any purpose with or
without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS
SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL
THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY
DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF
CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.
"""
