"""Make `requirements/*.txt` anew: every version with its hashes, no address.

    python tools/lock.py

Needs `uv` on the PATH (or UV=...). One run for all Pythons we support: markers in the files
tell them apart. Versions already locked stay, unless pyproject.toml rules them out; to move
them all forward, delete the files first.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = {
    "run": ("link", "login"),
    "build": ("link", "login", "build"),
    "dev": ("link", "login", "build", "test", "check"),
    "fuzz": ("fuzz",),
}
# Versions of one file that hold in another, so that both can be installed together.
FOLLOWS = {"fuzz": "requirements/dev.txt"}
_ADDRESS = re.compile(r"^\s*(--(index|extra-index|find-links|trusted)\S*|#).*$\n?", re.MULTILINE)


def main() -> int:
    """Write the six files; return the exit code of the first that fails."""
    uv = os.environ.get("UV", "uv")
    for name, extras in EXTRAS.items():
        options = [f"--extra={extra}" for extra in extras]
        if name in FOLLOWS:
            options.append(f"--constraint={FOLLOWS[name]}")
        code = lock(uv, "pyproject.toml", f"requirements/{name}.txt", options)
        if code:
            return code
    # A client of others with a web framework of its own: what it needs must not move ours.
    code = lock(uv, "requirements/clients.in", "requirements/clients.txt", [])
    return code or lock(uv, "requirements/data.in", "requirements/data.txt", ["--no-deps"])


def lock(uv: str, source: str, target: str, options: list[str]) -> int:
    """Resolve `source` into `target`, and take out whatever names a place."""
    command = [uv, "pip", "compile", source, "-o", target, "--quiet", "--universal"]
    plain = [
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--no-strip-extras",
        "--python-version=3.11",
    ]
    try:
        done = subprocess.run([*command, *plain, *options], cwd=ROOT, check=False)  # noqa: S603 - our own line
    except FileNotFoundError:
        sys.stderr.write("uv is needed to make the lock; set UV= or put it on the PATH\n")
        return 1
    path = ROOT / target
    if done.returncode == 0:
        path.write_text(_ADDRESS.sub("", path.read_text()))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
