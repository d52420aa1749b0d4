"""XML4: results of the services of a visit, in the forms that laboratories really write."""

from trucyte.intake.claims.tables import Row
from trucyte.synth.catalogue import Index, load_catalogue
from trucyte.synth.plan import Plan
from trucyte.synth.rows.lines import Entry
from trucyte.synth.times import text

_READ = ("1", "2", "3", "18")
_ILL = 0.35  # share of values outside the usual range


def result_rows(plan: Plan, entries: list[Entry]) -> list[Row]:
    """Return the XML4 rows of the services that give results."""
    rows: list[Row] = []
    for entry in entries:
        service = entry.service
        if service is None or service.group not in _READ:
            continue
        if service.panel:
            rows += _panel(plan, entry, service.panel)
        elif service.conclusion:
            rows.append(_reading(plan, entry, service.conclusion))
    return rows


def _panel(plan: Plan, entry: Entry, panel: str) -> list[Row]:
    dice = plan.dice
    if dice.happens(0.012):  # pending: the value comes later
        entry.row.pop("NGAY_KQ", None)
        return [
            {"MA_DICH_VU": entry.row["MA_DICH_VU"], "TEN_CHI_SO": index.name}
            for index in load_catalogue().panels[panel]
        ]
    rows = []
    for index in load_catalogue().panels[panel]:
        row = _common(plan, entry)
        row["TEN_CHI_SO"] = index.name
        row["GIA_TRI"] = _value(plan, index)
        if index.unit:
            row["DON_VI_DO"] = index.unit
        if dice.happens(0.15):  # many systems put the service's code where an index belongs
            row["MA_CHI_SO"] = entry.row["MA_DICH_VU"]
        rows.append(row)
    return rows


def _reading(plan: Plan, entry: Entry, conclusion: str) -> Row:
    row = _common(plan, entry)
    row["TEN_CHI_SO"] = entry.row["TEN_DICH_VU"]
    row["MO_TA"] = f"Kỹ thuật thực hiện theo quy trình. {conclusion}."
    row["KET_LUAN"] = conclusion
    return row


def _common(plan: Plan, entry: Entry) -> Row:
    return {
        "MA_DICH_VU": entry.row["MA_DICH_VU"],
        "NGAY_KQ": text(entry.resulted),
        "MA_BS_DOC_KQ": plan.nurse.licence,
    }


def _value(plan: Plan, index: Index) -> str:
    dice = plan.dice
    if index.words:
        return index.words[0] if dice.happens(0.75) else dice.pick(index.words[1:])
    if index.style == "less" and dice.happens(0.25):
        return f"<{index.low:g}" if dice.happens(0.8) else f"> {index.wide:g}"
    low, high = (index.high, index.wide) if dice.happens(_ILL) else (index.low, index.high)
    value = f"{low + (high - low) * dice.chance():.{index.decimals}f}"
    return value.replace(".", ",") if index.style == "comma" and dice.happens(0.5) else value
