"""How fast a node is copied and made again: MB/s and lines/s, one process.

    TRUCYTE_TEST_DATABASE_URL=… python bench/backup.py [LINES]

Lines of some 600 bytes, sealed, of 1,000 persons, with their index.
"""

import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psycopg
import psycopg.conninfo

from trucyte.base.settings import load_settings
from trucyte.journal.change import Change, Operation
from trucyte.node.cli import main
from trucyte.node.wiring import open_node


def change(number: int) -> Change:
    """Return one Observation."""
    id_ = f"o{number}"
    note = uuid.uuid4().hex * 12
    body = {"resourceType": "Observation", "id": id_, "status": "final",
            "code": {"text": "x"}, "note": [{"text": note}]}  # fmt: skip
    data = json.dumps(body).encode()
    return Change("Observation", id_, Operation.CREATE, data, -1, number % 1000 + 1)


def run(lines: int) -> None:
    """Fill a database, copy it, and restore it in a drill."""
    server = os.environ["TRUCYTE_TEST_DATABASE_URL"]
    name = f"trucyte_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin, tempfile.TemporaryDirectory() as place:
        admin.execute(f"create database {name} template template0")
        os.chdir(place)
        os.environ["TRUCYTE_DATABASE_URL"] = psycopg.conninfo.make_conninfo(server, dbname=name)
        os.environ["TRUCYTE_DATA"] = f"{place}/var"
        try:
            began = time.monotonic()
            with open_node(load_settings(os.environ)) as node:
                for start in range(0, lines, 2000):
                    units = [[change(n)] for n in range(start, min(start + 2000, lines))]
                    node.journal.commit_many(units)
            sys.stdout.write(f"filled in {time.monotonic() - began:.1f} s\n")
            main(["backup", "key", "k", "--json"], standalone_mode=False)
            from trucyte.node.keeping.backup.sealing import read_key, recipient_of

            to = recipient_of(read_key(Path("k")).public_key().public_bytes_raw())
            main(["backup", "copies", "--to", to, "--json"], standalone_mode=False)
            main(["backup", "drill", "copies", "--key", "k", "--json"], standalone_mode=False)
        finally:
            admin.execute(f"drop database {name} with (force)")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
