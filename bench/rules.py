"""How long the rule book takes for a visit of twenty lines: `python -m bench.rules`."""

import sys
import time
from datetime import date

from tests.unit.test_claims_rules import DRUG, SUMMARY, NoLists
from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.claims.tables import Variant, Visit

VISITS = 500


def main() -> None:
    book = RuleBook(packaged_rules(), NoLists())
    tables = {"XML1": [SUMMARY], "XML2": [DRUG] * 20}
    visit = Visit(Variant.D3176, "00001", "MAU-1", "BN-1", date(2026, 7, 15), tables)
    book.check(visit)
    begin = time.process_time()
    for _ in range(VISITS):
        book.check(visit)
    spent = (time.process_time() - begin) / VISITS
    sys.stdout.write(f"rules: {len(book.rules)}; {spent * 1e6:.0f} µs of CPU a visit of 20 lines\n")


if __name__ == "__main__":
    main()
