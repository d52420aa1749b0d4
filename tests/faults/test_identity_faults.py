"""The index of people and the run of newcomers, killed at any moment, lose and double nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.people import People, open_people, patient
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.matching.person import person_of_patient

NUMBER = "079085000123"
PEOPLE = 1500
KILLS = 6
SECONDS = 120


@pytest.fixture
def people(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[People]:
    with open_people(database, tmp_path, clock, definitions) as opened:
        yield opened


def crowd(count: int) -> list[dict[str, object]]:
    """Some of them twice, with one number."""
    lot = random.Random(5)  # noqa: S311 - no secret
    families, givens = ("Lê", "Trần", "Phạm", "Vũ", "Đỗ"), ("An", "Bình", "Cường", "Dũng", "Hà")
    made = []
    for n in range(count):
        who = n - 1 if n % 10 == 1 else n
        lot.seed(who)
        name = f"{lot.choice(families)} Thị {lot.choice(givens)}"
        birth = f"{lot.randint(1940, 2020)}-{lot.randint(2, 12):02}-{lot.randint(2, 28):02}"
        made.append(patient(f"p{n:05}", name, birth, sex="female", number=f"0791{who:08}"))
    return made


def worker(people: People, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.people_worker"]
    return subprocess.Popen(
        [*command, people.node.database.url, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(("src", "."))},
        stdout=subprocess.PIPE,
    )


def matched(people: People) -> list[tuple[str, str, str]]:
    return people.rows("select low_id, high_id, state from identity.pair order by 1, 2")


def matched_anew(people: People) -> list[tuple[str, str, str]]:
    """What one run without any trouble gives."""
    people.rows("delete from identity.pair returning 1")
    people.rows("delete from journal.cursor where name = 'newcomers' returning 1")
    people.newcomers.catch_up()
    return matched(people)


@pytest.mark.long
def test_a_follower_killed_again_and_again_lays_out_what_one_that_lives_does(
    people: People, tmp_path: Path
) -> None:
    resources = crowd(PEOPLE)
    for at in range(0, PEOPLE, 250):
        people.node.put(*resources[at : at + 250])
    lot = random.Random(1)  # noqa: S311 - no secret
    for _ in range(KILLS):
        process = worker(people, tmp_path)
        assert process.stdout is not None
        process.stdout.readline()  # it is at work
        time.sleep(lot.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS)
        process.stdout.close()
    process = worker(people, tmp_path)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert people.rows("select count(*) from identity.person") == [(PEOPLE,)]
    assert people.follower.compare() is None
    assert matched(people) == matched_anew(people)
    assert len(matched(people)) >= PEOPLE // 10


def test_a_flood_of_people_with_one_number_costs_no_more_than_others(people: People) -> None:
    others = [patient(f"o{n:04}", f"Lê Thị Số{n % 7}", f"19{n % 60 + 40}-03-{n % 27 + 2:02}")
              for n in range(1000)]  # fmt: skip
    flood = [{**one, "id": f"f{n:04}", "identifier": patient("x", number=NUMBER)["identifier"]}
             for n, one in enumerate(others)]  # fmt: skip
    for listed in (others, flood):
        for at in range(0, 1000, 250):
            people.node.put(*listed[at : at + 250])
    people.follower.catch_up()
    asked = patient("x", "Đỗ Văn Khác", "1990-05-06", number=NUMBER)
    found = people.matcher.match(people.node.full, person_of_patient(asked))
    assert (found.candidates, found.crowded) == ((), ("personal",))


def test_two_followers_at_once_take_turns(people: People, tmp_path: Path) -> None:
    for at in range(0, 500, 250):
        people.node.put(*crowd(500)[at : at + 250])
    processes = [worker(people, tmp_path) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
    assert people.follower.compare() is None
    assert matched(people) == matched_anew(people)
