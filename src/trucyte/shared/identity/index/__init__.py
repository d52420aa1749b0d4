"""Who may this be, asked of millions: the index of people, and candidates out of it.

Derived from the journal by a follower; nothing here decides what is true. What others call:

    Follower(database, journal, keys).run | catch_up | reindex | compare
    Matcher(database, keys, model).match(access, person) -> Matches
"""

from trucyte.shared.identity.index.follower import Follower
from trucyte.shared.identity.index.form import FORM, Keys
from trucyte.shared.identity.index.matcher import Candidate, Grade, Matcher, Matches

__all__ = ["FORM", "Candidate", "Follower", "Grade", "Keys", "Matcher", "Matches"]
