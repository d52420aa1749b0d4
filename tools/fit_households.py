"""Fit how often each kind of household occurs, so that all together keep the age pyramid.

    PYTHONPATH=src python tools/fit_households.py > src/trucyte/synth/data/households.toml

Each pair of kind and band is drawn a few thousand times to see whom it holds; weights then
follow by the rule of Richardson and Lucy from a start that prefers families, and stay
positive. The same draws give the same file.
"""

from collections.abc import Sequence

from trucyte.synth.catalogue import load_catalogue
from trucyte.synth.dice import Dice
from trucyte.synth.population.composition import BAND, BANDS, YEAR, seats

DRAWS = 2000
ROUNDS = 400
START = {"family": 10.0, "three": 4.0, "mother": 1.0, "couple": 2.0, "woman": 0.6, "man": 0.6}
CELLS = 19  # five-year bands of a sex


def holds(kind: str, first: int) -> list[float]:
    """Return how many of each sex and band a household of that kind holds on average."""
    cells = [0.0] * (2 * CELLS)
    for draw in range(DRAWS):
        for seat in seats(Dice(1, 9, (first << 20) + draw), kind, first):
            band = min(int(seat.age / YEAR / BAND), CELLS - 1)
            cells[(seat.sex == "2") * CELLS + band] += 1 / DRAWS
    return cells


def target() -> list[float]:
    """Return the share of each sex and band in the country."""
    cells: list[float] = []
    for sex in ("1", "2"):
        sums = load_catalogue().ages[sex]
        cells += [high - low for low, high in zip((0.0, *sums[:-1]), sums, strict=True)]
    return [cell / sum(cells) for cell in cells]


def fitted(rows: Sequence[Sequence[float]], wanted: Sequence[float], start: list[float]) -> None:
    """Move the weights `start` so that the mixture of `rows` comes near `wanted`."""
    for _ in range(ROUNDS):
        mixture = [sum(w * row[j] for w, row in zip(start, rows, strict=True)) for j in range(38)]
        ratio = [want / max(have, 1e-12) for want, have in zip(wanted, mixture, strict=True)]
        for number, row in enumerate(rows):
            start[number] *= sum(r * x for r, x in zip(ratio, row, strict=True)) / sum(row)


def main() -> None:
    """Print the file."""
    keys = [(kind, band) for kind, (low, high) in BANDS.items() for band in range(low, high, BAND)]
    rows = [holds(*key) for key in keys]
    weights = [START[kind] / len(keys) for kind, _ in keys]
    fitted(rows, target(), weights)
    total = sum(weights)
    print(
        "# Written by tools/fit_households.py: per 100,000 households, by the anchor's band of age."
    )
    for kind in BANDS:
        print(f"\n[weights.{kind}]")
        for (name, band), weight in zip(keys, weights, strict=True):
            if name == kind:
                print(f'"{band}" = {weight / total * 100_000:.0f}')


if __name__ == "__main__":
    main()
