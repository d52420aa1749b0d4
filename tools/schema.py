"""Write `schema.sql` anew from a migrated database.

    python tools/schema.py [URL]

Without a URL it uses an embedded server of its own.
"""

import sys
import tempfile
import uuid
from pathlib import Path

import psycopg
import psycopg.conninfo
from psycopg import sql

from trucyte.database.connect import Database
from trucyte.database.describe import describe
from trucyte.database.migrate import migrate
from trucyte.database.server import EmbeddedServer

TARGET = Path(__file__).parents[1] / "src" / "trucyte" / "database" / "schema.sql"


def main() -> None:
    """Write the file from the server that is given, or from one of our own."""
    if len(sys.argv) > 1:
        write_schema(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, the server's user goes in
        with EmbeddedServer(folder / "data", system=folder / "system") as server:
            write_schema(server.url)


def write_schema(url: str) -> None:
    """Migrate a fresh database on the server of `url` and write down what it holds."""
    name = f"trucyte_schema_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        database = Database(psycopg.conninfo.make_conninfo(url, dbname=name))
        try:
            migrate(database)
            with database.connection() as connection:
                TARGET.write_text(describe(connection), encoding="utf-8")
        finally:
            database.close()
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


if __name__ == "__main__":
    main()
