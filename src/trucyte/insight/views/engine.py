"""DuckDB, shut in: no extension is fetched, no file is opened but those that are named."""

from pathlib import Path
from typing import Any, Final

import duckdb

MEMORY_MAX: Final = "1GB"
_IN_MEMORY: Final = ":memory:"


def open_engine(
    place: str = _IN_MEMORY, *, threads: int = 1, writes: tuple[Path, ...] = ()
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB; `writes` are the only files that SQL may touch."""
    settings: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "threads": str(threads),
        # One resource may ask for billions of rows: an end, and no disk filled before it.
        "memory_limit": MEMORY_MAX,
    }
    if place == _IN_MEMORY:
        settings["temp_directory"] = ""
    engine = duckdb.connect(place, config=settings)
    if writes:
        engine.execute("SET allowed_paths = $paths", {"paths": [str(path) for path in writes]})
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")
    return engine
