"""The command `tls`: a key for the server, and a request or a certificate to begin with."""

import ipaddress
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trucyte.node.keeping.escrow import write_new

_LEEWAY: Final = timedelta(minutes=5)  # of clocks


@click.group()
def tls() -> None:
    """Make what the server proves itself with."""


@tls.command("make")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--host", "hosts", multiple=True, required=True, help="A name or address; the first names it."
)
@click.option("--self-signed", is_flag=True, help="A certificate for a start, not a request.")
@click.option("--days", type=click.IntRange(1, 397), default=90, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
def make(folder: Path, hosts: Sequence[str], self_signed: bool, days: int, as_json: bool) -> None:
    """Write a key (P-256) and a request for an authority, or a self-signed certificate.

    Example: trucyte tls make /etc/trucyte/tls --host yte.example.vn
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    key, other = folder / "server.key", folder / ("server.pem" if self_signed else "server.csr")
    for path in (key, other):
        if path.exists():
            raise click.UsageError(f"{path} exists")
    made = certificate(private, hosts, days) if self_signed else request(private, hosts)
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_new(key, text)
    write_new(other, made.public_bytes(Encoding.PEM))
    facts: dict[str, Any] = {
        "key": str(key),
        "request" if not self_signed else "certificate": str(other),
    }
    click.echo(json.dumps(facts) if as_json else "\n".join(f"{k}  {v}" for k, v in facts.items()))


def request(
    private: ec.EllipticCurvePrivateKey, hosts: Sequence[str]
) -> x509.CertificateSigningRequest:
    """Return a request (PKCS #10) for an authority to sign."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(hosts))
    return builder.add_extension(_names(hosts), critical=False).sign(private, SHA256())


def certificate(
    private: ec.EllipticCurvePrivateKey, hosts: Sequence[str], days: int
) -> x509.Certificate:
    """Return a certificate that nobody but itself vouches for."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(hosts))
        .issuer_name(_subject(hosts))
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(_names(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, SHA256())
    )


def _subject(hosts: Sequence[str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])


def _names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_name(host) for host in hosts])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host.encode("idna").decode())
    except (UnicodeError, ValueError):
        raise click.UsageError(f"{host} is no name or address") from None
