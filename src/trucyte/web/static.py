"""Files that never change under their address: styles, scripts, fonts.

Read once at the start, compressed once, and served from memory under a folder named by
the hash of them all, so that a browser may keep them for good.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
COMPRESSED = {".css", ".js", ".svg", ".txt"}
FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes out."""

    type: str
    plain: bytes
    gzipped: bytes | None


class Assets:
    """The static files of the pages."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read and compress everything; the style sheets become one."""
        files = {
            path.name: path.read_bytes()
            for path in sorted((*folder.glob("*.svg"), *(folder / "vendor").glob("*.*")))
            if path.suffix in TYPES
        }
        for kind in ("css", "js"):
            parts = sorted((folder / kind).glob(f"*.{kind}"))
            files[f"app.{kind}"] = b"\n".join(path.read_bytes() for path in parts)
        digest = hashlib.sha256()
        for name, data in sorted(files.items()):
            digest.update(name.encode() + b"\0" + data)
        self.version = digest.hexdigest()[:12]
        self._files = {name: _asset(name, data) for name, data in files.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def path(self, name: str) -> str:
        """Return the address of a file."""
        return f"/static/{self.version}/{name}"

    async def serve(self, request: Request) -> Response:
        """Answer with a file; one of an earlier version is answered, but not kept."""
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("not found", status_code=404)
        is_current = request.path_params["version"] == self.version
        headers = {"Cache-Control": FOR_GOOD if is_current else "no-cache"}
        body = asset.plain
        if asset.gzipped is not None:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
                body = asset.gzipped
        return Response(body, media_type=asset.type, headers=headers)


def _asset(name: str, data: bytes) -> Asset:
    suffix = Path(name).suffix
    gzipped = gzip.compress(data, 9, mtime=0) if suffix in COMPRESSED else None
    return Asset(TYPES[suffix], data, gzipped)
