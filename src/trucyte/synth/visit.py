"""Turn a plan into a visit's tables."""

from datetime import date

from trucyte.intake.claims.tables import Row, Visit
from trucyte.synth.plan import Plan
from trucyte.synth.rows.lines import Entry, make_entries, totals_of
from trucyte.synth.rows.notes import note_rows
from trucyte.synth.rows.papers import paper_tables
from trucyte.synth.rows.programmes import programme_tables
from trucyte.synth.rows.quirks import add_quirks
from trucyte.synth.rows.results import result_rows
from trucyte.synth.rows.summary import check_in_row, person_row, summary_row
from trucyte.synth.variants import as_variant

_NUMBERED = frozenset(("XML2", "XML3", "XML4", "XML5", "XML15"))
_CHECK_IN_SHARE = 0.05


def make_visit(plan: Plan, *, made_on: int) -> Visit:
    """Return the visit of a plan, its rows under the union of fields of Decision 4750."""
    entries = make_entries(plan)
    person = person_row(plan)
    summary = summary_row(plan, entries, totals_of(entries), person)
    tables: dict[str, list[Row]] = {
        "XML1": [summary],
        "XML2": [entry.row for entry in entries if entry.is_drug],
        "XML3": [entry.row for entry in entries if not entry.is_drug],
        "XML4": result_rows(plan, entries),
        "XML5": note_rows(plan),
    }
    if plan.category != "2" and plan.may(_CHECK_IN_SHARE) and entries:
        tables["XML0"] = [check_in_row(plan, _in_department(plan, entries), person)]
    tables |= paper_tables(plan, summary) | programme_tables(plan, summary)
    add_quirks(plan, tables)
    linked = {table: _linked(plan, table, rows) for table, rows in tables.items()}
    return Visit(
        variant=plan.variant,
        facility=plan.facility.code,
        link=plan.link,
        patient=plan.patient,
        made_on=date.fromordinal(made_on),
        tables=as_variant(linked, plan.variant),
    )


def _in_department(plan: Plan, entries: list[Entry]) -> list[Entry]:
    found = [entry for entry in entries if entry.row["MA_KHOA"] == plan.departments[-1]]
    return found or entries


def _linked(plan: Plan, table: str, rows: list[Row]) -> list[Row]:
    linked = []
    for number, row in enumerate(rows, start=1):
        full = {"MA_LK": plan.link}
        if table in _NUMBERED:
            full["STT"] = str(number)
        full.update((name, value) for name, value in row.items() if value)
        linked.append(full)
    return linked
