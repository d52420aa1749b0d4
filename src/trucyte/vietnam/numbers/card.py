"""The health-insurance card of 15 characters, temporary cards, and social-insurance numbers.

A card is group (2 letters), benefit (1 digit), province or unit (2), and the
social-insurance number of its holder (10). A newborn or an organ donor without one has a
temporary card: TE1 or HG4, province, ten digits (Circular 30/2020/TT-BYT, article 10).
"""

import re
from dataclasses import dataclass

SAMPLE_SOCIAL = "00"  # social-insurance numbers of invented people begin with it
TEMPORARY = ("TE1", "HG4")

_CARD = re.compile(r"[A-Z]{2}[1-5]\d{2}\d{10}", re.ASCII)
_SOCIAL = re.compile(r"\d{10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class InsuranceCard:
    """The parts of a 15-character health-insurance card code."""

    group: str  # two letters
    benefit: str  # one digit
    unit: str  # two digits, the province or unit that issued it
    social_number: str  # ten digits

    @property
    def may_be_temporary(self) -> bool:
        """Whether its head is that of cards for people without one: children share TE1."""
        return self.group + self.benefit in TEMPORARY


def parse_card(code: str) -> InsuranceCard | None:
    """Take a card code apart; None where it has not the form."""
    if not _CARD.fullmatch(code):
        return None
    return InsuranceCard(code[:2], code[2], code[3:5], code[5:])


def is_social_number(number: str) -> bool:
    """Say whether it is a social-insurance number: 10 digits, not all zero."""
    return bool(_SOCIAL.fullmatch(number)) and number.strip("0") != ""
