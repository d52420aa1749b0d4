"""Make and check what a release is handed out with: sums of its files, signed.

    python tools/release.py key FOLDER              release.key (mode 600) and release.pub
    python tools/release.py sign KEY FILE...        SHA256SUMS and SHA256SUMS.sig beside the first
    python tools/release.py verify PUB SHA256SUMS   each file beside the sums, and the signature

The sums have the form `sha256sum -c` reads. The signature is Ed25519 (RFC 8032) over their
bytes, in hex; the public key is 32 bytes in hex, small enough to be read out on the telephone.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUMS = "SHA256SUMS"


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked; return 1 with the reason where something is not as it was signed."""
    parser = argparse.ArgumentParser()
    modes = parser.add_subparsers(required=True)
    key = modes.add_parser("key")
    key.add_argument("folder", type=Path)
    key.set_defaults(act=lambda told: make_key(told.folder))
    sign = modes.add_parser("sign")
    sign.add_argument("key", type=Path)
    sign.add_argument("files", type=Path, nargs="+")
    sign.set_defaults(act=lambda told: sign_files(told.key, told.files))
    verify = modes.add_parser("verify")
    verify.add_argument("public", type=Path)
    verify.add_argument("sums", type=Path)
    verify.set_defaults(act=lambda told: verify_files(told.public, told.sums))
    told = parser.parse_args(arguments)
    findings: list[str] = told.act(told)
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    return 1 if findings else 0


def make_key(folder: Path) -> list[str]:
    """Write a new signing key that nobody else can read, and its public half."""
    key = Ed25519PrivateKey.generate()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        place = os.open(folder / "release.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return [f"{folder / 'release.key'} is there already"]
    with os.fdopen(place, "w") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    (folder / "release.pub").write_text(key.public_key().public_bytes_raw().hex() + "\n")
    return []


def sign_files(key: Path, files: list[Path]) -> list[str]:
    """Write the sums of files, all in one folder, and their signature."""
    folder = files[0].parent
    apart = [str(file) for file in files if file.parent != folder or not file.is_file()]
    if apart:
        return [f"{name} is no file beside the first" for name in apart]
    sums = "".join(f"{digest(file)}  {file.name}\n" for file in sorted(files))
    signing = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key.read_text().strip()))
    (folder / SUMS).write_text(sums)
    (folder / f"{SUMS}.sig").write_text(signing.sign(sums.encode()).hex() + "\n")
    return []


def verify_files(public: Path, sums: Path) -> list[str]:
    """Return what is not as it was signed: the sums themselves, or any file they name."""
    text = sums.read_bytes()
    try:
        signature = bytes.fromhex(sums.with_name(f"{sums.name}.sig").read_text().strip())
        known = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public.read_text().strip()))
        known.verify(signature, text)
    except (InvalidSignature, ValueError, OSError):
        return [f"{sums.name} is not signed by the holder of {public.name}"]
    findings = []
    for line in text.decode().splitlines():
        value, _, name = line.partition("  ")
        file = sums.with_name(name)
        if not file.is_file():
            findings.append(f"{name} is missing")
        elif digest(file) != value:
            findings.append(f"{name} is not the file that was signed")
    return findings


def digest(file: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
