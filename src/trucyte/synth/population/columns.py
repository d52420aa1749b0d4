"""The columns of a file of people, in order. Empty means: the record does not say.

Codes are those of the claims lists: sex 1 is male and 2 female, ethnicity is MA_DANTOC,
`province` and `commune` are of the units that the address is written in, so the same code
can name two units (Resolution 202/2025/QH15). Four columns are the truth, which no matcher
may read: `person_id`, `household_id`, `situation`, `errors`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

Row = list[str]

COLUMNS: Final[Mapping[str, str]] = {
    "record_id": "Unique in the file; says nothing of the person.",
    "person_id": "Truth: whose record it is.",
    "household_id": "Truth: with whom that person lives.",
    "facility": "Who wrote the record: 00001 to 00040, which no facility has.",
    "recorded_on": "The day of the record, yyyy-mm-dd; units and phones are those of that day.",
    "name": "The whole name, as it was typed.",
    "birth_date": "yyyy-mm-dd, or yyyy where the record has no more.",
    "sex": "1 male, 2 female.",
    "ethnicity": "Two digits of MA_DANTOC.",
    "personal_number": "12 digits: province 000, century and sex, year, six digits.",
    "identity_number": "9 digits, of the older: begins with 00.",
    "passport_number": "X and 7 digits.",
    "card_number": "15 characters: group, benefit digit, unit 00, social-insurance number.",
    "social_number": "10 digits: begins with 00.",
    "phone": "10 digits: begins with 0600. Families share them.",
    "address": "Free text in units of before or since 1 July 2025.",
    "province": "Two digits.",
    "commune": "Five digits.",
    "mother_name": "Of the mother, for those under 16.",
    "guardian_relation": "mother or father, for those under 16.",
    "guardian_name": "The guardian's name.",
    "guardian_number": "The guardian's personal number.",
    "situation": "Truth: why this person is easily mistaken, words separated by ';'.",
    "errors": "Truth: what is wrong with the record, as section.key of the corruptions, with ';'.",
}
NAMES: Final[Sequence[str]] = tuple(COLUMNS)
TRUTH: Final[Sequence[str]] = ("record_id", "person_id", "household_id", "situation", "errors")
