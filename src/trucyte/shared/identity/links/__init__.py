"""Links: which Patients are one person, as entries of the journal that anyone can undo.

A pair of Patients has one Linkage, whose versions are the history of what was decided:
linked, different (remembered, so that it is not proposed again) or broken (it was a link and
is none any more; a machine must not make it again). Neither Patients nor the resources that
refer to them are ever rewritten: who reads follows the links, both ways.

    links.link(access, "Patient/a", "Patient/b", Decided(("same-personal-number",)))
    links.differ(access, "Patient/a", "Patient/b", Decided(("clerk",), note="sinh đôi"))
    links.unlink(access, "Patient/a", "Patient/b", Decided(("clerk",)))
    links.group("Patient/a")  # ("Patient/a", "Patient/b", …), itself alone where none
    links.states([("Patient/a", "Patient/b")])  # what is known of pairs, asked at once
    links.history(access, "Patient/a", "Patient/b")

`access` says who decides, and for which organisation; who does not see a Patient does not
link it. Each call may be repeated and raced: what is known already writes nothing. A machine
that proposes pairs asks `states` first: DIFFERENT is never proposed, BROKEN only to a person.
Linking raises LinkContradicts where two Patients known to differ would become one person
through others, and GroupTooLarge at more than `MEMBERS_MAX` Patients.
"""

from trucyte.records.persons.linkage import LinkageRefused, LinkState
from trucyte.shared.identity.links.link import Decided, DecisionUnclear, Link, NotAPair

__all__ = ["Decided", "DecisionUnclear", "Link", "LinkState", "LinkageRefused", "NotAPair"]
