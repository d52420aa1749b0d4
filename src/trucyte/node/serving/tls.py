"""TLS of the server: what it offers, and what it asks of clients.

TLS 1.2 with forward secrecy and authenticated encryption only, and 1.3 (RFC 9325); nothing is
renegotiated or compressed. A process reads the files when it starts, so SIGHUP, which
replaces the processes one by one, takes new ones up without a gap; where they cannot be read
the old processes go on.
"""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from trucyte.base.problem import Kind, Problem
from trucyte.base.secret_files import check_secret, secret_path
from trucyte.base.settings import TlsSettings
from trucyte.base.tracing import Event

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
_SOON_DAYS: Final = 21

ENDS = Event("serving.certificate-ends", logging.WARNING, days=int)


class TlsUnreadable(Problem):
    """The server cannot use its certificate and key (web.tls): {reason}."""

    kind = Kind.UNAVAILABLE
    code = "tls-unreadable"


class ClientAuthoritiesUnreadable(Problem):
    """web.tls.client_authorities is no file of certificates (PEM) that can be read."""

    kind = Kind.UNAVAILABLE
    code = "tls-authorities-unreadable"


def server_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """Return what the server speaks TLS with; None where none is set.

    Raises TlsUnreadable, ClientAuthoritiesUnreadable, SecretExposed, SecretMissing.
    """
    if settings.certificate is None or settings.key is None:
        return None
    certificate, key = secret_path(settings.certificate), check_secret(settings.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        # Without a passphrase to give it would ask at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise TlsUnreadable(reason=_reason(error)) from None
    _tell_end(certificate)
    if settings.client_certificates != "off":
        _ask_clients(context, settings)
    return context


def hsts_header(settings: TlsSettings) -> list[tuple[str, str]]:
    """Return the header that makes browsers come back by https only (RFC 6797)."""
    if settings.certificate is None or not settings.hsts_seconds:
        return []
    return [("strict-transport-security", f"max-age={settings.hsts_seconds}")]


def days_left(certificate: Path, now: datetime) -> int:
    """Return how many days a certificate still holds. Raises TlsUnreadable."""
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        raise TlsUnreadable(reason="no certificate in PEM") from None
    return (read.not_valid_after_utc - now).days


def _ask_clients(context: ssl.SSLContext, settings: TlsSettings) -> None:
    is_needed = settings.client_certificates == "require"
    context.verify_mode = ssl.CERT_REQUIRED if is_needed else ssl.CERT_OPTIONAL
    try:
        context.load_verify_locations(settings.client_authorities)
    except (OSError, TypeError):
        raise ClientAuthoritiesUnreadable from None


def _tell_end(certificate: Path) -> None:
    days = days_left(certificate, datetime.now(UTC))
    if days < _SOON_DAYS:
        ENDS.log(days=days)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or type(error).__name__).lower().replace("_", " ")
