"""Read a secret from a file that nobody else can read.

A name without a folder is one of the credentials that systemd gave the service
(`LoadCredential=`, systemd.exec(5)), where there are any. What others can get at is refused:
it may be known already.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trucyte.base.problem import Kind, Problem

CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
_SIZE_MAX: Final = 64 * 1024


class SecretExposed(Problem):
    """Others can read the file {name}, which holds a secret; chmod 600, and change the secret."""

    kind = Kind.FORBIDDEN
    code = "secret-exposed"


class SecretMissing(Problem):
    """The file {name}, which shall hold a secret, cannot be read."""

    kind = Kind.UNAVAILABLE
    code = "secret-missing"


def secret_path(path: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Return where a secret lies: a bare name is a credential of the service, if there is one."""
    folder = environment.get(CREDENTIALS)
    if folder and len(path.parts) == 1 and (Path(folder) / path).is_file():
        return Path(folder) / path
    return path


def check_secret(path: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Return where a secret lies that nobody else can read.

    Raises SecretExposed, SecretMissing.
    """
    found = secret_path(path, environment)
    try:
        status = found.stat()
    except OSError:
        raise SecretMissing(name=path.name) from None
    # The credentials of a service are read through a list of rights, which shows as a group.
    is_credential = str(found.parent) == environment.get(CREDENTIALS)
    others = stat.S_IRWXO if is_credential else stat.S_IRWXG | stat.S_IRWXO
    if status.st_mode & others or status.st_uid not in (os.geteuid(), 0):
        raise SecretExposed(name=path.name)
    return found


def read_secret(path: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return the text of a secret, without the end of its last line.

    Raises SecretExposed, SecretMissing; neither says anything of what is in the file.
    """
    found = check_secret(path, environment)
    try:
        with found.open("rb") as file:
            return file.read(_SIZE_MAX).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise SecretMissing(name=path.name) from None
