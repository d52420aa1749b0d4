"""Matching measured: ours beside Splink's own comparators on the same records.

    python bench/identity.py PEOPLE.csv [--hard HARD.csv …] [--rldata rldata10000.csv] [--splink]

PEOPLE.csv and HARD.csv come from `trucyte synth people [--hard]`. Splink gets names and
addresses already folded by us ("normalised"), its name, date and exact comparisons with
term frequencies, and is judged at the threshold that suits it best.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import record

RLDATA = (
    "record_id=id",
    "given_name=fname_c1+fname_c2",
    "family_name=lname_c1+lname_c2",
    "birth_year=by",
    "birth_month=bm",
    "birth_day=bd",
)
NUMBERS = ("personal_number", "identity_number", "card_number", "social_number", "passport")


def evaluated(file: Path, *more: str) -> dict:
    """Run our command; its figures, the seconds of its own process, and the peak of one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", "identity", "evaluate", str(file), "--json",
         *more],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout)
    found["cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found["peak"] = after.ru_maxrss / 1024
    return found


def tell(name: str, found: dict, note: str) -> None:
    load = f"{note}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    measures = {
        f"{name}: seconds": (found["seconds"], "s"),
        f"{name}: peak": (found["peak"], "MiB"),
    }
    measures[f"{name}: CPU without the readers"] = (found["cpu"], "s")
    measures[f"{name}: newborns' share of true pairs"] = (found["newborn_share"], "")
    for what, figures in found["without_newborns"].items():
        measures[f"{name}: without newborns, {what} f1"] = (figures["f1"], "")
        measures[f"{name}: without newborns, {what} recall"] = (figures["recall"], "")
    measures[f"{name}: pairs linked wrongly"] = (found["linked_wrongly"], "pairs")
    for what in ("found", "sure", "sure_and_held"):
        for figure, value in found[what].items():
            measures[f"{name}: {what} {figure}"] = (value, "")
    record("identity", measures, load)


def splink(file: Path, truth: str, *, with_numbers: bool) -> dict:
    """Run Splink 5 as its own documentation has it; the best F1, and seconds of its work."""
    import duckdb
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as library

    from trucyte.shared.identity.bulk import linking

    with tempfile.TemporaryDirectory() as folder:
        linkage = linking.prepare(
            [file], Path(folder), named={}, truth=truth, workers=2, memory="2GB",
            progress=lambda step, rows: None, model=linking.load_model(),
        )  # fmt: skip
        rows = linkage.connection.sql("SELECT * FROM persons").to_arrow_table()
        linkage.connection.close()
    connection = duckdb.connect()
    connection.register("rows", rows)
    connection.execute(
        "CREATE TABLE input AS SELECT n AS unique_id, truth, given_bare, family_bare, middle_bare,"
        " birth, sex, personal, social, phone, commune, province FROM rows"
    )
    began = time.monotonic()
    comparisons = [
        library.JaroWinklerAtThresholds(name, [0.9, 0.7]).configure(term_frequency_adjustments=True)
        for name in ("given_bare", "family_bare", "middle_bare")
    ]
    comparisons += [
        library.LevenshteinAtThresholds("birth", [1, 2]),
        *(library.ExactMatch(name) for name in ("sex", "phone", "commune")),
    ]
    rules = [
        block_on("given_bare", "birth"),
        block_on("given_bare", "family_bare", "middle_bare", "commune"),
        block_on("phone", "given_bare"),
        block_on("family_bare", "middle_bare", "birth"),
    ]
    if with_numbers:
        comparisons += [library.LevenshteinAtThresholds(n, [2]) for n in ("personal", "social")]
        rules += [block_on("personal"), block_on("social")]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        additional_columns_to_retain=["truth"],
    )
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("input"), settings, log_level=None)
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("given_bare", "family_bare", "birth", "phone")], recall=0.5
    )
    training.estimate_u_using_random_sampling(max_pairs=5e6)
    training.estimate_parameters_using_expectation_maximisation(
        block_on("given_bare", "family_bare", "middle_bare"), max_pairs=2e6
    )
    training.estimate_parameters_using_expectation_maximisation(block_on("birth"), max_pairs=2e6)
    predicted = linker.inference.predict(threshold_match_probability=0.1)
    seconds = time.monotonic() - began
    table = predicted.physical_name
    counts = "SELECT sum(c * (c - 1) / 2) FROM (SELECT count(*) c FROM input GROUP BY truth)"
    [[total]] = connection.execute(counts).fetchall()
    best: dict = {"f1": 0.0}
    for threshold in (0.1, 0.5, 0.9, 0.99, 0.999, 0.9999):
        [[found, true]] = connection.execute(
            f"SELECT count(*), count(*) FILTER (truth_l = truth_r) FROM {table}"  # noqa: S608
            f" WHERE match_probability >= {threshold}"
        ).fetchall()
        figures = {"precision": true / max(found, 1), "recall": true / total}
        f1 = 2 * true / (found + total)
        if f1 > best["f1"]:
            best = {**figures, "f1": f1, "threshold": threshold}
    return {**best, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=Path)
    parser.add_argument("--hard", type=Path, nargs="+", default=[])
    parser.add_argument("--rldata", type=Path)
    parser.add_argument("--packaged", action="store_true", help="weigh by the packaged model")
    parser.add_argument("--splink", action="store_true")
    parser.add_argument("--only-splink", action="store_true")
    parser.add_argument("--only", choices=("", "nothing", *NAMED), default="")
    asked = parser.parse_args()
    note = f"{asked.people.name}"
    for name, more in ((NAMED[0], ()), (NAMED[1], ("--without-numbers",))):
        if asked.only not in ("", name):
            continue
        if not asked.only_splink:
            given = ("--model", MODEL) if asked.packaged else ()
            told = "packaged model" if asked.packaged else "trained on itself without labels"
            found = evaluated(asked.people, "--errors", "none", *given, *more)
            tell(name, found, f"{note}, {told}")
        if asked.splink or asked.only_splink:
            found = splink(asked.people, "person_id", with_numbers=not more)
            measures = {f"Splink, {name}: {what}": (value, "") for what, value in found.items()}
            record("identity", measures, f"{note}, names folded by us, without reading")
    if asked.rldata:
        columns = [part for each in RLDATA for part in ("--column", each)]
        found = evaluated(asked.rldata, "--truth", "id", *columns)
        tell("RLdata10000", found, "trained on itself without labels")
    for file in asked.hard:
        found = evaluated(file, "--errors", "none", "--model", MODEL)
        tell("hard set", found, f"{file.name}, packaged model")


NAMED = ("with numbers", "without numbers")
MODEL = str(Path(__file__).parent.parent / "src/trucyte/shared/identity/matching/model.json")

if __name__ == "__main__":
    main()
