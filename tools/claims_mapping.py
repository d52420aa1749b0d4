"""Write `docs/reference/generated/claims-mapping.md` from the mapping table.

python tools/claims_mapping.py
"""

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from trucyte.intake.claims.mapping.paths import EXTENSION
from trucyte.intake.claims.mapping.plan import FieldRow, TablePlan, load_plan
from trucyte.intake.claims.tables import TABLES
from trucyte.vietnam.claims_fields import claims_fields
from trucyte.vietnam.sensitivity import load_triggers
from trucyte.vietnam.systems import load_systems

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "generated" / "claims-mapping.md"
HEAD = f"""# Claims XML and FHIR R4: the mapping table

Written by `tools/claims_mapping.py` from the tables in `intake/claims/mapping/tables/`. One row a
field, read in both directions. Where a field has several homes, the first whose resource the row
makes holds it. `ext:x` is the extension `{EXTENSION}x`, `ext:x/y` the part `y` of it.

What every row writes is read back at once; where that differs from the text as sent, the text
travels beside it in `raw-text`. "Empty" says what stands there when the sender leaves the field
empty: *nothing*, a *finding* of the rules, data-absent-reason *unknown*, or what is *implied* by
the visit.
"""


def main() -> None:
    """Write the page."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page())


def page() -> str:
    """Return the page as it should be."""
    systems = load_systems()
    words = {(each.table, each.field): each.vi for each in claims_fields()}
    parts = [HEAD]
    for table in TABLES:
        parts.append("\n".join(_table(load_plan(table, systems), words)))
    for name, title in (("old4210", "Decision 4210"), ("old917", "Decision 917")):
        parts.append("\n".join(_older(name, title)))
    parts.append("\n".join(_systems()))
    parts.append("\n".join(_sensitive()))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(plan: TablePlan, words: dict[tuple[str, str], str]) -> Iterator[str]:
    title = plan.document.get("title")
    yield f"## {plan.name}{f': {title}' if title else ''}"
    yield ""
    yield f"Root `{'/'.join(plan.root)}`."
    yield ""
    yield "| Field | Meaning | Where | Rule | Empty | Note |"
    yield "|---|---|---|---|---|---|"
    for row in plan.rows:
        yield _line(row, words.get((row.table, row.field), ""))


def _line(row: FieldRow, meaning: str) -> str:
    places = ", else ".join(f"`{path}`" for path in row.paths)
    if row.also:
        places += "; also " + ", ".join(f"`{path}`" for path in row.also)
    return f"| {row.field} | {meaning} | {places} | {row.rule} | {row.absent} | {row.note} |"


def _older(name: str, title: str) -> Iterator[str]:
    file = resources.files("trucyte.intake.claims.mapping").joinpath(f"tables/{name}.toml")
    yield f"## {title} in the newer model"
    yield ""
    yield "| Table | Field | Becomes | Codes |"
    yield "|---|---|---|---|"
    for row in tomllib.loads(file.read_text("utf-8"))["row"]:
        becomes = row["becomes"]
        if "groups" in row:
            becomes += f"; {row['in_groups']} with MA_NHOM {', '.join(row['groups'])}"
        codes = ", ".join(f"{old} → {new}" for old, new in row.get("codes", {}).items())
        yield f"| {row['table']} | {row['field']} | {becomes} | {codes} |"


def _systems() -> Iterator[str]:
    yield "## Systems"
    yield ""
    yield "| Name | URI | Also known as | Meaning | Verified |"
    yield "|---|---|---|---|---|"
    for each in load_systems().values():
        verified = "yes" if each.verified else "no"
        aliases = ", ".join(each.aliases)
        yield f"| {each.name} | {each.uri} | {aliases} | {each.meaning} | {verified} |"


def _sensitive() -> Iterator[str]:
    triggers = load_triggers()
    yield f"## What makes a visit sensitive (list {triggers.version})"
    yield ""
    for name, label in triggers.labels.items():
        icd = ", ".join(prefix for prefix, owner in triggers.icd if owner == name)
        tables = ", ".join(table for table, owner in triggers.tables.items() if owner == name)
        values = ", ".join(
            f"{field} = {value}"
            for field, found in triggers.values.items()
            for value, owner in found.items()
            if owner == name
        )
        signs = "; ".join(text for text in (icd and f"ICD-10 {icd}", tables, values) if text)
        yield f"- **{name}** ({label.vi}): {signs or 'words only'}; and words in texts."


if __name__ == "__main__":
    main()
