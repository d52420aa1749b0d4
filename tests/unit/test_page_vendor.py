"""The font and htmx, as the build takes them from their wheels."""

import io
from pathlib import Path

import pytest

from trucyte.web.vendor import CHARACTERS, build_vendor

WHEELS = Path(__file__).parents[2] / "build" / "wheels"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    if not list(WHEELS.glob("fontpkg_be_vietnam_pro-*.whl")):
        pytest.skip("the data wheels are not downloaded; `make setup` does")
    pytest.importorskip("fontTools", reason="fontTools comes with the `build` extra")
    return build_vendor(WHEELS)


def test_both_weights_are_small_and_carry_every_vietnamese_letter(files: dict[str, bytes]) -> None:
    from fontTools.ttLib import TTFont

    for weight in (400, 600):
        data = files[f"be-vietnam-pro-{weight}.woff2"]
        assert data[:4] == b"wOF2" and len(data) < 20_000
        letters = TTFont(io.BytesIO(data)).getBestCmap()
        assert all(ord(letter) in letters for letter in "ẰẵệỡỮựỳĐđƠơƯư₫0123456789")
        assert len(letters) > 0.9 * len(set(CHARACTERS))


def test_the_font_has_figures_of_one_width(files: dict[str, bytes]) -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(files["be-vietnam-pro-400.woff2"]))
    table = font["GSUB"].table
    features = {record.FeatureTag: record.Feature for record in table.FeatureList.FeatureRecord}
    lookup = table.LookupList.Lookup[features["tnum"].LookupListIndex[0]]
    figures = lookup.SubTable[0].mapping
    assert set(figures) == {font.getBestCmap()[ord(digit)] for digit in "0123456789"}
    assert len({font["hmtx"][name][0] for name in figures.values()}) == 1


def test_the_notices_travel_along(files: dict[str, bytes]) -> None:
    assert b"SIL OPEN FONT LICENSE" in files["be-vietnam-pro.LICENSE.txt"]
    assert b"Zero-Clause BSD" in files["htmx.LICENSE.txt"]
    assert b"htmx" in files["htmx-4.min.js"]


def test_the_build_gives_the_same_bytes_again(files: dict[str, bytes]) -> None:
    assert build_vendor(WHEELS) == files


def test_a_missing_wheel_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="django_htmx"):
        build_vendor(tmp_path)
