"""Refuse what does not belong into the repository; one line a finding.

No address of a package registry, no path of somebody's machine, no lock file that records
addresses, nothing generated, nothing large by accident.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE_BYTES_MAX = 2 * 1024**2

# Put together from parts, so that this file does not find itself.
_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org")
_REGISTRY = re.compile("|".join(map(re.escape, _HOSTS)) + "|index-" + r"url\s*=|/sim" + "ple/")
_MACHINE = re.compile(r"(?<![\w.])/(?:ro" + "ot|home/" + r"\w+|work|opt/\w+venv|Users/\w+)/[\w.]")
_FORBIDDEN = re.compile(r"(^|/)(uv\.lock|\.env|__pycache__/|\.DS_Store)|\.pyc$")
_GENERATED = re.compile(r"^src/trucyte/([^/]+/generated|web/static/vendor)/(?!README\.md$)")


def main() -> int:
    """Look through every file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    findings = [finding for name in names for finding in look(name)]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"tidy: {len(names)} files, {len(findings)} findings\n")
    return 1 if findings else 0


def look(name: str) -> list[str]:
    """Return what is wrong with one file."""
    path = ROOT / name
    if not path.is_file():
        return []
    if _FORBIDDEN.search(name) or _GENERATED.search(name):
        return [f"{name}: does not belong into the repository"]
    content = path.read_bytes()
    if len(content) > FILE_BYTES_MAX:
        return [f"{name}: {len(content)} bytes"]
    if b"\0" in content[:8192]:
        return []
    findings = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if _REGISTRY.search(line):
            findings.append(f"{name}:{number}: the address of a registry")
        if _MACHINE.search(line):
            findings.append(f"{name}:{number}: a path of somebody's machine")
    return findings


if __name__ == "__main__":
    sys.exit(main())
