"""Write `docs/reference/generated/claims-rules.md` from the rule tables.

python tools/claims_rules.py
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.claims.rules.rule import Rule
from trucyte.vietnam.packaged_lists import PackagedLists

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "generated" / "claims-rules.md"
HEAD = """# Rules on claims

Written by `tools/claims_rules.py` from `intake/claims/rules/data/` and the field tables. A rule
runs on visits that ended inside its validity, for its destination; the severity is what its
evidence can carry. Rules on the presence, length and form of single fields
(`CTN-<table>-<field order>-R`, `-L`, `-S`, `-N`) follow from the field table and are counted here,
not listed.
"""


def main() -> None:
    """Write the page."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page as it should be."""
    rules = list(RuleBook(packaged_rules(), PackagedLists()).rules.values())
    listed = [rule for rule in rules if not _is_of_field(rule)]
    lines = [HEAD, f"{len(rules)} rules, {len(rules) - len(listed)} of them on single fields.", ""]
    for destination in sorted({rule.destination.value for rule in listed}):
        own = [rule for rule in listed if rule.destination.value == destination]
        lines += [f"## {destination}", "", *_table(own), ""]
    return "\n".join(lines).rstrip() + "\n"


def _is_of_field(rule: Rule) -> bool:
    return rule.number.startswith("CTN-") and rule.number.count("-") == 3


def _table(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| Rule | Table, field | Severity | Evidence | In force | List | What it says | Source |"
    yield "|---|---|---|---|---|---|---|---|"
    for rule in sorted(rules, key=lambda each: each.number):
        since = rule.valid_from.isoformat() if rule.valid_from else ""
        until = rule.valid_to.isoformat() if rule.valid_to else ""
        cells = (
            rule.number,
            f"{rule.table} {rule.field}".strip(),
            rule.severity.value,
            rule.evidence.value,
            f"{since} – {until}",
            rule.needs_list,
            rule.words["vi"].what,
            rule.legal,
        )
        yield "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


if __name__ == "__main__":
    main()
