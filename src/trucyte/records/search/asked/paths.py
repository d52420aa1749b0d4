"""URIs as paths: what stands above one, for `:above` and `:below` (R4 3.1.1.5.5)."""

_LEVELS_MAX = 100  # paths above one uri


def uris_above(uri: str) -> list[str]:
    """Return a uri and each path above it: up to its host, with and without a last slash."""
    found = [uri]
    scheme = uri.find("://")
    least = uri.find("/", scheme + 3) if scheme >= 0 else uri.find("/")
    end = len(uri)
    while 0 < least < end and len(found) < _LEVELS_MAX:
        end = uri.rfind("/", 0, end)
        found += [uri[: end + 1], uri[:end]]
    return list(dict.fromkeys(found))


def is_below(uri: str, path: str) -> bool:
    """Whether a uri is a path or goes on behind it."""
    whole = path.rstrip("/")
    return uri == whole or uri.startswith(f"{whole}/")
