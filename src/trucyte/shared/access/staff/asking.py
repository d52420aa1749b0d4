"""Whether anyone is asked to log in.

With "auto" nobody is, at a node that listens on this machine only, until the first
administrator can log in; from then on everybody is.
"""

from typing import Literal

from trucyte.base.settings import Settings
from trucyte.database.connect import Database

Mode = Literal["auto", "always"]
_HAS_ADMINISTRATOR = """
select exists (
    select from access.staff
    where 'administrator' = any (roles) and ended_at is null and activated_at is not null)
"""


class LoginAsked:
    """Says whether a login is asked for. Safe to share between threads."""

    def __init__(self, database: Database, mode: Mode) -> None:
        """Ask `database`, unless `mode` says always."""
        self._database = database
        # Once there is an administrator, there always is one: the last cannot be ended.
        self._is_asked = mode == "always"

    def __call__(self) -> bool:
        """Say whether whoever comes is asked who they are."""
        if not self._is_asked:
            self._is_asked = has_administrator(self._database)
        return self._is_asked


def mode_of(settings: Settings) -> Mode:
    """Return when a node asks: behind a proxy always, for whoever comes may come from anywhere."""
    return "always" if settings.web.trusts_forwarded else settings.access.login


def has_administrator(database: Database) -> bool:
    """Say whether there is an administrator who has logged in or could."""
    with database.connection() as connection:
        row = connection.execute(_HAS_ADMINISTRATOR).fetchone()
    return bool(row and row[0])
