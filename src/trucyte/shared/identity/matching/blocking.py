"""Which pairs are looked at: those that share a key of a few, selective blocks.

Blocks are data, read by Python (the index of a node) and by SQL (files in bulk). Each
forgives an error of its own: a key of given name and birth date forgives everything in
family, middle name and address; a key of the sorted words of the name forgives order.
A key that very many records bear is not selective: whoever collects pairs leaves it out
and says so.
"""

from dataclasses import dataclass

from trucyte.shared.identity.matching.person import Person


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of `Person` that make the key together; a record lacking one has no key."""

    name: str
    columns: tuple[str, ...]


BLOCKS: tuple[Block, ...] = (
    Block("personal", ("personal",)),
    Block("identity", ("identity",)),
    Block("social", ("social",)),
    Block("passport", ("passport",)),
    Block("phone", ("phone", "birth_year")),
    Block("initial-birth", ("initial", "birth_pair")),
    Block("family-birth", ("family_sound", "birth_pair")),
    Block("name-year", ("name_sound", "birth_year")),
    Block("initials-year", ("family_sound", "middle_sound", "initial", "birth_year", "province")),
    Block("name-day", ("name_sound", "birth_day")),
    Block("name-commune", ("name_sound", "province", "commune")),
    Block("phone-given", ("phone", "given_sound")),
    Block("mother", ("mother_sound", "birth")),
)

# Wide blocks, for files so small that looking at many more pairs costs nothing.
WIDE_BLOCKS: tuple[Block, ...] = (
    Block("given-month", ("given_sound", "birth_year", "month")),
    Block("family-month", ("family_sound", "birth_year", "month")),
    Block("given-day", ("given_sound", "birth_day")),
    Block("family-day", ("family_sound", "birth_day")),
    Block("birth", ("birth",)),
    Block("initial-family", ("initial", "family_sound", "birth_year")),
)


def blocking_keys(person: Person) -> tuple[str, ...]:
    """Return the keys of a person, each beginning with its block's name and "="."""
    keys = []
    for block in BLOCKS:
        values = [getattr(person, column) for column in block.columns]
        if all(values):
            keys.append(f"{block.name}={'|'.join(values)}")
    return tuple(keys)
