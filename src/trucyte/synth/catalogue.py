"""What can happen in a visit: diagnoses, drugs, services, result panels, seasons.

Illustrative data of our own under `synth/data/`; names of diagnoses come from the
packaged ICD-10 subset of `vietnam`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate

from trucyte.vietnam.tables import read_rows


@dataclass(frozen=True, slots=True)
class Drug:
    """One medicine; the price is in thousandths of a đồng, `each` in thousandths of a unit."""

    key: str
    code: str
    name: str
    strength: str
    group: str
    unit: str
    price: int
    route: str
    form: str
    each: int
    times: int
    days: int
    how: str
    rate: int
    scope: str
    registration: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service; prices in thousandths of a đồng."""

    key: str
    code: str
    name: str
    group: str
    price_bv: int
    price_bh: int
    unit: str
    panel: str
    machine: str
    minutes: int
    conclusion: str


@dataclass(frozen=True, slots=True)
class Index:
    """One index of a result panel."""

    name: str
    unit: str
    low: float
    high: float
    wide: float
    decimals: int
    style: str
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a person comes for. Keys of drugs and services end in ``?`` where optional."""

    code: str
    name: str
    care: Mapping[str, float]
    sex: str
    age_min: int
    age_max: int
    season: str
    complaint: str
    companions: Sequence[str]
    exam: str
    drugs: Sequence[str]
    services: Sequence[str]
    department: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it, by key."""

    drugs: Mapping[str, Drug]
    services: Mapping[str, Service]
    panels: Mapping[str, Sequence[Index]]
    diagnoses: Mapping[str, Diagnosis]
    names: Mapping[str, str]  # ICD code -> Vietnamese name
    seasons: Mapping[str, Sequence[int]]
    ages: Mapping[str, Sequence[float]]  # "1"/"2" -> cumulative five-year bands


@cache
def load_catalogue() -> Catalogue:
    """Read the packaged catalogue once."""
    icd = {row["code"]: row for row in read_rows("icd10")}
    seasons = tomllib.loads(_text("seasons.toml"))
    panels: dict[str, list[Index]] = {}
    for row in _rows("panels"):
        panels.setdefault(row["panel"], []).append(_index(row))
    return Catalogue(
        drugs={row["key"]: _drug(row, n) for n, row in enumerate(_rows("drugs"))},
        services={row["key"]: _service(row) for row in _rows("services")},
        panels=panels,
        diagnoses={row["code"]: _diagnosis(row, icd[row["code"]]) for row in _rows("diagnoses")},
        names={code: row["vi"] for code, row in icd.items()},
        seasons=seasons["curves"],
        ages={
            "1": list(accumulate(seasons["ages"]["male"])),
            "2": list(accumulate(seasons["ages"]["female"])),
        },
    )


def _text(name: str) -> str:
    return (resources.files("trucyte.synth") / "data" / name).read_text(encoding="utf-8")


def _rows(name: str) -> list[dict[str, str]]:
    lines = [line for line in _text(f"{name}.tsv").splitlines() if line and line[0] != "#"]
    names = lines[0].split("\t")
    return [
        dict(zip(names, line.split("\t") + [""] * len(names), strict=False)) for line in lines[1:]
    ]


def _thousandths(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1000 + int((part + "000")[:3])


def _drug(row: dict[str, str], number: int) -> Drug:
    return Drug(
        key=row["key"],
        code=row["code"],
        name=row["name"],
        strength=row["strength"],
        group=row["group"],
        unit=row["unit"],
        price=_thousandths(row["price"]),
        route=row["route"],
        form=row["form"],
        each=_thousandths(row["each"]),
        times=int(row["times"]),
        days=int(row["days"]),
        how=row["how"],
        rate=int(row["rate"]),
        scope=row["scope"],
        registration=f"VD-{number:05d}-00",
    )


def _service(row: dict[str, str]) -> Service:
    price = _thousandths(row["bv"])
    return Service(
        key=row["key"],
        code=row["code"],
        name=row["name"],
        group=row["group"],
        price_bv=price,
        price_bh=_thousandths(row["bh"]) if row["bh"] else price,
        unit=row["unit"],
        panel=row["panel"],
        machine=row["machine"],
        minutes=int(row["minutes"]),
        conclusion=row["conclusion"],
    )


def _index(row: dict[str, str]) -> Index:
    return Index(
        name=row["index"],
        unit=row["unit"],
        low=float(row["low"]),
        high=float(row["high"]),
        wide=float(row["wide"]),
        decimals=int(row["decimals"]),
        style=row["style"],
        words=tuple(row["words"].split("|")) if row["words"] else (),
    )


def _diagnosis(row: dict[str, str], icd: dict[str, str]) -> Diagnosis:
    low, high = row["age"].split("-")
    return Diagnosis(
        code=row["code"],
        name=icd["vi"],
        care={part.split(":")[0]: float(part.split(":")[1]) for part in row["care"].split()},
        sex=icd["sex"],
        age_min=int(low),
        age_max=int(high),
        season=row["season"],
        complaint=row["complaint"],
        companions=tuple(code for code in row["with"].split(";") if code),
        exam=row["exam"],
        drugs=tuple(row["drugs"].split()),
        services=tuple(row["services"].split()),
        department=row["department"],
    )
