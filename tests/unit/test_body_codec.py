"""Bodies come back as they were, whatever they were compressed with."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import zstandard

from tests.support.journal import a_change, open_journal
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal.codec import (
    PLAIN,
    RAW,
    BodyTooLarge,
    BodyUnreadable,
    Codec,
    Dictionary,
    DictionaryAltered,
    shipped_dictionaries,
)

ROOT = Path(__file__).parents[2]


def bodies(count: int) -> list[bytes]:
    chance = random.Random(1)  # noqa: S311 - repeatable
    return [
        b'{"resourceType":"Observation","status":"final","code":{"coding":[{"system":'
        b'"http://loinc.org","code":"%d-%d"}]},"valueQuantity":{"value":%d,"unit":"mmol/L"}}'
        % (chance.randrange(9999), chance.randrange(9), chance.randrange(10**6))
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    content = zstandard.train_dictionary(2048, bodies(2000), level=3).as_bytes()
    return Dictionary(7, "Observation", 1, content)


def test_a_dictionary_serves_its_type_and_saves_room(dictionary: Dictionary) -> None:
    codec = Codec({7: dictionary})
    body = bodies(3000)[-1]
    number, packed = codec.compress("Observation", body)
    assert number == 7
    assert len(packed) < len(Codec().compress("Observation", body)[1]) / 2
    assert codec.decompress(7, packed) == body
    assert codec.compress("Patient", body)[0] == PLAIN


def test_what_compression_does_not_shrink_stays_as_it_is() -> None:
    assert Codec().compress("Patient", b"") == (RAW, b"")
    assert Codec().compress("Patient", b"{}") == (RAW, b"{}")
    assert Codec().decompress(RAW, b"{}") == b"{}"


def test_the_newest_dictionary_compresses_and_the_older_still_reads(
    dictionary: Dictionary,
) -> None:
    body = bodies(1)[0]
    _, old = Codec({7: dictionary}).compress("Observation", body)
    newer = Dictionary(
        6, "Observation", 2, zstandard.train_dictionary(1024, bodies(3000), level=3).as_bytes()
    )
    both = Codec({7: dictionary, 6: newer})
    assert both.compress("Observation", body)[0] == 6
    assert both.decompress(7, old) == body


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        (PLAIN, b""),
        (PLAIN, b"not zstd"),
        (PLAIN, zstandard.compress(b"x" * 100)[:-1]),
        (PLAIN, zstandard.compress(b"x" * 100) + b"more"),
        (2, zstandard.compress(b"x" * 100)),
        (256 + PLAIN, zstandard.compress(b"x" * 100)),
        (PLAIN, zstandard.ZstdCompressor().compressobj().compress(b"") + b"\x28\xb5\x2f\xfd\x00"),
        # Says it holds 2 GiB.
        (PLAIN, b"\x28\xb5\x2f\xfd\xa0" + (2**31).to_bytes(4, "little") + b"\x01\x00\x00"),
    ],
)
def test_what_does_not_decode_is_refused(number: int, stored: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        Codec().decompress(number, stored)


def test_what_could_not_be_read_again_is_neither_taken_nor_unpacked(
    database: Database, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = zstandard.compress(b"x" * 101)
    monkeypatch.setattr("trucyte.journal.codec._BODY_BYTES_MAX", 100)
    with pytest.raises(BodyUnreadable):
        Codec().decompress(PLAIN, packed)
    journal = open_journal(database, tmp_path, clock)
    with pytest.raises(BodyTooLarge):
        journal.commit([a_change(value="x" * 100)])
    good, bad = journal.commit_many([[a_change("a")], [a_change("b"), a_change(value="x" * 100)]])
    assert isinstance(good, list)
    assert isinstance(bad, BodyTooLarge)
    assert journal.tail() == 1
    journal.close()


def test_threads_share_a_codec(dictionary: Dictionary) -> None:
    codec = Codec({7: dictionary})
    wrong: list[bytes] = []

    def work() -> None:
        for body in bodies(500):
            if codec.decompress(*codec.compress("Observation", body)) != body:
                wrong.append(body)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_dictionaries_lie_beside_the_bodies_and_must_stay_the_same(
    database: Database, tmp_path: Path, clock: FixedClock, dictionary: Dictionary
) -> None:
    journal = open_journal(database, tmp_path, clock, codec=Codec({7: dictionary}))
    (line,) = journal.commit([a_change(value="x" * 90)])
    journal.close()
    with database.connection() as connection:
        (codec,) = connection.execute("select codec from journal.change").fetchone()
        (content,) = connection.execute("select content from journal.dictionary").fetchone()
    assert (codec, content) == (7, dictionary.content)
    assert journal.bodies([line.seq])[1].body == a_change(value="x" * 90).body
    other = Dictionary(7, "Observation", 1, dictionary.content[:-1] + b"x")
    with pytest.raises(DictionaryAltered):
        open_journal(database, tmp_path, clock, codec=Codec({7: other})).commit([a_change()])


def test_the_shipped_dictionaries_are_well_formed() -> None:
    for number, dictionary in shipped_dictionaries().items():
        body = b'{"resourceType":"%s","status":"final"}' % dictionary.type.encode() * 9
        codec = Codec({number: dictionary})
        assert codec.decompress(*codec.compress(dictionary.type, body)) == body


def test_the_trainer_writes_dictionaries_that_save_room(tmp_path: Path) -> None:
    (tmp_path / "resources.ndjson").write_bytes(
        b"\n".join([*bodies(2000), b'{"resourceType":"Patient"}', b"{}", b""])
    )
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, ROOT / "tools/train_dictionaries.py", tmp_path / "resources.ndjson"]
    for _ in range(2):
        result = subprocess.run(
            [*command, "--out", out, "--kibibytes", "2"],
            check=True, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
    assert "Patient: 1 resources are too few" in result.stdout
    assert "-> 003-Observation-2.zdict" in result.stdout
    assert set(shipped_dictionaries(out)) == {2, 3}
