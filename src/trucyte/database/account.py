"""As whom the embedded server runs: the caller, or a system user when the caller is root.

PostgreSQL refuses to run as root, rightly. So root gets a system user of its own, made
once and said aloud; nothing but the server ever runs as it.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trucyte.base.problem import Kind, Problem

SERVICE_NAME = "trucyte"

Announce = Callable[[str], None]


class NoServiceAccount(Problem):
    """PostgreSQL cannot run as root, and no system user "{name}" could be made: {reason}."""

    kind = Kind.UNAVAILABLE
    code = "no-service-account"


class NamelessAccount(Problem):
    """User {uid} has no name on this machine, which PostgreSQL needs; give it one or a URL."""

    kind = Kind.UNAVAILABLE
    code = "nameless-account"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_caller(self) -> bool:
        """Say whether this process runs as it already."""
        return self.uid == os.geteuid()

    def run(
        self, command: Sequence[str], *, seconds_max: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, away from the caller's terminal; capture what it says.

        A session of its own keeps a Ctrl-C meant for the caller away from it.
        """
        switch: dict[str, Any] = {}
        if not self.is_caller:
            switch = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(  # noqa: S603 - programs found by us, never a shell line of a user
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,
            timeout=seconds_max,
            umask=0o077,
            **switch,
        )

    def own(self, folder: Path) -> None:
        """Make `folder` this user's alone (mode 700)."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if not self.is_caller:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)


def account_of(uid: int) -> Account:
    """Return the account of `uid`; raises NamelessAccount."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise NamelessAccount(uid=uid) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account(announce: Announce) -> Account:
    """Return as whom the server is to run; as root, the service user, made if need be."""
    uid = os.geteuid()
    return account_of(uid) if uid != 0 else _service_account(announce)


def _service_account(announce: Announce) -> Account:
    try:
        entry = pwd.getpwnam(SERVICE_NAME)
    except KeyError:
        _make_service_account()
        entry = pwd.getpwnam(SERVICE_NAME)
        announce(f'Made the system user "{SERVICE_NAME}": PostgreSQL does not run as root.')
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _make_service_account() -> None:
    """Make the system user with what this machine has; another process may be quicker."""
    nologin = shutil.which("nologin", path="/usr/sbin:/sbin") or "/bin/false"
    home = "/nonexistent"
    ways = (
        f"useradd --system --user-group --no-create-home --home-dir {home} --shell {nologin}",
        f"adduser -S -D -H -h {home} -s {nologin}",
    )
    reason = "neither useradd nor adduser is here"
    for way in ways:
        name, *options = way.split()
        program = shutil.which(name, path=f"{os.defpath}:/usr/sbin:/sbin")
        if program is None:
            continue
        made = subprocess.run(  # noqa: S603 - a fixed command line
            [program, *options, SERVICE_NAME], capture_output=True, text=True, check=False
        )
        if made.returncode == 0 or _exists():
            return
        reason = (made.stderr.strip().splitlines() or ["it failed"])[-1]
    raise NoServiceAccount(name=SERVICE_NAME, reason=reason)


def _exists() -> bool:
    return any(entry.pw_name == SERVICE_NAME for entry in pwd.getpwall())


def can_enter(account: Account, folder: Path) -> bool:
    """Say whether `account` can go into `folder`, by trying it."""
    tried = account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])
    return tried.returncode == 0


def can_run(account: Account, program: str) -> bool:
    """Say whether `account` can run `program`, by trying it."""
    try:
        return account.run([program, "--version"]).returncode == 0
    except PermissionError:
        return False
