from trucyte.base.hashing import keyed_hash64, opaque_id

KEY = b"k" * 16


def test_the_same_parts_give_the_same_id_and_other_parts_another() -> None:
    assert opaque_id(KEY, "ab", "c") == opaque_id(KEY, "ab", "c")
    assert opaque_id(KEY, "ab", "c") != opaque_id(KEY, "a", "bc")
    assert opaque_id(b"other", "ab", "c") != opaque_id(KEY, "ab", "c")


def test_a_token_fits_a_bigint_of_postgresql() -> None:
    values = [keyed_hash64(KEY, str(n).encode()) for n in range(1000)]
    assert min(values) < 0 < max(values)
    assert all(-(2**63) <= value < 2**63 for value in values)


def test_an_id_stays_the_same_for_ever() -> None:
    assert opaque_id(b"k" * 32, "Patient", "00001", "BN-1") == "ohd4fkdnzxnns374dwzbrw5ghe"
