"""Fetch a file by URL, from hosts that the settings name, and from nowhere else.

Scheme and host are checked, the name is resolved here and the connection made to the very
address that was checked, for each redirect anew: a name that answers differently the second
time gains nothing. What has come is kept; a fetch that broke off goes on behind it where the
server has the same file still (RFC 9110 §14.2, §13.1.5).
"""

import http.client
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from trucyte.base.files import write_whole
from trucyte.base.problem import Kind, Problem

_CHUNK = 1 << 20
_REDIRECTS_MAX = 5
_SECONDS_MAX = 60.0  # of silence
_MOVED = frozenset({301, 302, 303, 307, 308})


class AddressRefused(Problem):
    """This node may not fetch from {host}: {reason}."""

    kind = Kind.FORBIDDEN
    code = "fetch-refused"


class FetchFailed(Problem):
    """The file at {host} could not be fetched: {reason}."""

    kind = Kind.UNAVAILABLE
    code = "fetch-failed"


class FetchMissing(Problem):
    """{host} does not give the file (status {status})."""

    kind = Kind.NOT_FOUND
    code = "fetch-missing"


@dataclass(frozen=True, slots=True)
class FetchRules:
    """Where may be fetched from."""

    hosts: frozenset[str] = frozenset()  # "files.example.vn", "*.example.vn"; none: nowhere
    allows_private: bool = False  # addresses of this machine and of local networks

    def allows(self, host: str) -> bool:
        """Say whether a host is named."""
        name = host.lower().rstrip(".")
        parents = [name.split(".", n)[-1] for n in range(1, name.count(".") + 1)]
        return name in self.hosts or any(f"*.{parent}" in self.hosts for parent in parents)


def fetch(url: str, target: Path, rules: FetchRules, go_on: Callable[[int], None]) -> None:
    """Fetch `url` to `target`, going on behind what is there of it already.

    `go_on` hears of the bytes so far and may raise. Raises AddressRefused, FetchFailed,
    FetchMissing.
    """
    for _ in range(_REDIRECTS_MAX + 1):
        place = check_url(url, rules)
        try:
            moved = _fetch_once(place, target, rules, go_on)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno == 28:
                raise
            raise FetchFailed(host=place.hostname or "?", reason=type(error).__name__) from error
        if moved is None:
            return
        url = urljoin(url, moved)
    raise FetchFailed(host=place.hostname or "?", reason="too many redirects")


def check_url(url: str, rules: FetchRules) -> SplitResult:
    """Return the parts of a URL that may be asked. Raises AddressRefused."""
    try:
        place = urlsplit(url)
        port = place.port
    except ValueError:
        raise AddressRefused(host="?", reason="not a URL") from None
    host = place.hostname or ""
    if place.scheme not in ("http", "https") or not host or port == 0:
        raise AddressRefused(host=host or "?", reason="not http or https")
    if place.username is not None or place.password is not None:
        raise AddressRefused(host=host, reason="a password in a URL")
    if not rules.allows(host):
        raise AddressRefused(host=host, reason="not among bulk.import_hosts")
    return place


def _address(place: SplitResult, rules: FetchRules) -> tuple[str, int]:
    """Return a checked address of the host. Raises AddressRefused."""
    host = place.hostname or ""
    port = place.port or (443 if place.scheme == "https" else 80)
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for name in found:
        address = ipaddress.ip_address(name.partition("%")[0])
        inner = getattr(address, "ipv4_mapped", None) or address
        if not rules.allows_private and not (inner.is_global and not inner.is_multicast):
            raise AddressRefused(host=host, reason="a private address")
    return found[0], port


def _fetch_once(
    place: SplitResult, target: Path, rules: FetchRules, go_on: Callable[[int], None]
) -> str | None:
    """Fetch, or return where it moved."""
    address, port = _address(place, rules)
    host = place.hostname or ""
    raw = socket.create_connection((address, port), timeout=_SECONDS_MAX)
    if place.scheme == "https":
        raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    with closing(http.client.HTTPConnection(host, port, timeout=_SECONDS_MAX)) as connection:
        connection.sock = raw
        had, tag = _had(target)
        headers = {"Host": place.netloc, "Accept-Encoding": "identity", "Accept": "*/*"}
        if had and tag:
            headers |= {"Range": f"bytes={had}-", "If-Range": tag}
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status in _MOVED:
            return answer.headers.get("Location", "")
        if answer.status == 416 and had:  # nothing is left to fetch
            return None
        if answer.status not in (200, 206):
            if 400 <= answer.status < 500:
                raise FetchMissing(host=host, status=answer.status)
            raise FetchFailed(host=host, reason=f"status {answer.status}")
        _save(answer, target, had if answer.status == 206 else 0, go_on)
    return None


def _had(target: Path) -> tuple[int, str]:
    """Return how much is there, and by which tag the server knows that file."""
    tag = _tag_path(target)
    if not target.exists() or not tag.exists():
        return 0, ""
    return target.stat().st_size, tag.read_text()


def _save(
    answer: http.client.HTTPResponse, target: Path, had: int, go_on: Callable[[int], None]
) -> None:
    tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
    if not had:
        strong = "" if tag.startswith("W/") else tag
        target.unlink(missing_ok=True)
        write_whole(_tag_path(target), strong.encode())
    length = answer.length
    with target.open("r+b" if had else "wb") as file:
        file.seek(had)
        file.truncate()
        begun = had
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            begun += len(chunk)
            go_on(begun)
        file.flush()
        os.fsync(file.fileno())
    if length is not None and begun - had < length:
        raise http.client.IncompleteRead(b"")


def _tag_path(target: Path) -> Path:
    return target.with_name(target.name + ".tag")
