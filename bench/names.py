"""How fast names, numbers, addresses and old encodings are read, on one core.

    PYTHONPATH=src python bench/names.py [COUNT] [--record]

COUNT names (a million where none is given) are drawn at real frequencies and spoilt as
registers spoil them; every name is read once and none is kept, so no answer comes from a
cache of whole names. CPU time of one process.
"""

import random
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence

from record import record

from trucyte.vietnam.numbers import read_number
from trucyte.vietnam.people.encodings import decode_text
from trucyte.vietnam.people.frequencies import (
    draw_minority_name,
    draw_name,
    draw_surname,
    load_names,
)
from trucyte.vietnam.people.name import read_name
from trucyte.vietnam.people.syllable import bare
from trucyte.vietnam.places import read_address
from trucyte.vietnam.places.history import FORMER_TO, Unit, load_history


def clean_names(count: int, seed: int = 1) -> list[str]:
    """Draw Kinh names, and one in seven of other peoples."""
    dice = random.Random(seed)
    peoples = list(load_names().minority)
    found = []
    for _ in range(count):
        sex = dice.choice("12")
        if dice.random() < 0.15:
            people = dice.choice(peoples)
            found.append(draw_minority_name(dice.random, ethnicity=people, sex=sex, family=None))
        else:
            year = dice.randint(1930, 2026)
            surname = draw_surname(dice.random)
            found.append(draw_name(dice.random, sex=sex, birth_year=year, surname=surname))
    return found


def spoilt(names: Sequence[str], seed: int = 2) -> list[str]:
    """Spoil names as registers do: no marks 22 %, capitals 14 %, NFD 6 %, other ways 4 %."""
    dice = random.Random(seed)
    found = []
    for clean in names:
        name = clean
        if dice.random() < 0.22:
            name = bare(name.lower()).title()
        if dice.random() < 0.14:
            name = name.upper()
        if dice.random() < 0.06:
            name = unicodedata.normalize("NFD", name)
        if dice.random() < 0.02:
            name = f"Con bà {name}"
        if dice.random() < 0.02:
            name = f"{name}x"
        found.append(name)
    return found


def addresses(count: int, seed: int = 3) -> list[str]:
    """Write addresses in old and new units, some without marks, some abbreviated."""
    dice = random.Random(seed)
    history = load_history()
    old = [u for u in history.former.values() if u.level == "commune" and u.valid_to == FORMER_TO]
    new = [u for u in history.current.values() if u.level == "commune"]
    found = []
    for number in range(count):
        unit = dice.choice(old if dice.random() < 0.6 else new)
        text = f"Số {number % 400}, đường Lê Lợi, {', '.join(line(unit))}"
        if dice.random() < 0.3:
            text = bare(text.lower()).title()
        if dice.random() < 0.3:
            text = text.replace("Phường ", "P. ").replace("Quận ", "Q.").replace("Thành phố", "TP")
        found.append(text)
    return found


def line(unit: Unit) -> list[str]:
    """Return a commune and what it lies in, as an address names them."""
    history = load_history()
    if unit.valid_to is None:
        return [unit.name, history.current[unit.province].name]
    return [unit.name, history.former[unit.parent].name, history.former[unit.province].name]


def microseconds(read: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return the CPU time a text, of one core."""
    start = time.process_time()
    for text in texts:
        read(text)
    return (time.process_time() - start) / len(texts) * 1e6


def main(count: int, is_recorded: bool) -> None:
    names = clean_names(count)
    numbers = [f"{dice:012d}" for dice in range(1, count // 5)]
    table = "\n".join(names[:40_000]).encode()
    start = time.process_time()
    decode_text(table)
    seconds = time.process_time() - start
    places = addresses(count // 10)
    read_address(places[0])
    measures = {
        "clean name": (microseconds(read_name, names), "us"),
        "spoilt name": (microseconds(read_name, spoilt(names)), "us"),
        "number": (microseconds(read_number, numbers), "us"),
        "addresses": (1e6 / microseconds(read_address, places), "/s"),
        "decoding": (len(table) / seconds / 1e6, "MB/s"),
    }
    note = f"{count:,} names, one core, CPU time"
    if is_recorded:
        record("names", measures, note)
    for name, (value, unit) in measures.items():
        print(f"{name}: {value:,.3g} {unit}")


if __name__ == "__main__":
    arguments = [word for word in sys.argv[1:] if word != "--record"]
    main(int(arguments[0]) if arguments else 1_000_000, "--record" in sys.argv)
