"""Chance falls the same way on every machine and version of Python."""

from collections import Counter

from trucyte.synth.dice import Dice, pick_index


def test_throws_are_these_for_ever() -> None:
    dice = Dice(1, 2, 3)
    assert [dice.between(0, 10**9) for _ in range(3)] == [739578754, 227124258, 594281719]
    assert Dice(1, 2, 3).digits(6) == "739578"
    assert Dice(2, 2, 3).pick("abcdefgh") == "b"


def test_streams_are_apart() -> None:
    first = {Dice(seed, 1, index).chance() for seed in range(20) for index in range(20)}
    second = {Dice(seed, 2, index).chance() for seed in range(20) for index in range(20)}
    assert len(first) == len(second) == 400
    assert not first & second


def test_throws_keep_to_their_bounds_and_weights() -> None:
    dice = Dice(4, 4, 4)
    assert {dice.between(2, 4) for _ in range(200)} == {2, 3, 4}
    counts = Counter(dice.weighed("ab", (1, 4)) for _ in range(4000))
    assert abs(counts["a"] / 4000 - 0.25) < 0.03
    assert pick_index((1, 4), 0.999999999) == 1
    assert pick_index((1, 4), 0.0) == 0
