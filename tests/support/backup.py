"""A node with something in it, and what its backups and restores need."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.journal import a_change
from trucyte.base.settings import Settings, load_settings
from trucyte.database.connect import Database
from trucyte.journal.change import Operation
from trucyte.journal.keyring import Keyring, place_files
from trucyte.node.cli import main
from trucyte.node.wiring import Node, open_node

MARKED = "Nguyen Van Bi Mat"


class Place:
    """Folders and databases of one test: a node that lives, and room for a restored one."""

    def __init__(
        self, root: Path, live: Database, empty: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.root = root
        self.live, self.empty = live, empty
        self.data, self.folder, self.key = root / "var", root / "copies", root / "backup.key"
        self._patch = monkeypatch
        self.use(self.data, live)
        monkeypatch.chdir(root)
        self.recipient = self.make_key(self.key)

    def use(self, data: Path, database: Database) -> None:
        """Let commands mean a node."""
        self._patch.setenv("TRUCYTE_DATA", str(data))
        self._patch.setenv("TRUCYTE_DATABASE_URL", database.url)

    def make_key(self, file: Path) -> str:
        from click.testing import CliRunner

        from trucyte.node.keeping.backup.commands import backup

        done = CliRunner().invoke(backup, ["key", str(file), "--json"])
        return json.loads(done.stdout)["recipient"]

    def settings(self) -> Settings:
        return load_settings(os.environ)

    @contextmanager
    def node(self) -> Iterator[Node]:
        with open_node(self.settings()) as node:
            yield node

    def put(self, *ids: str, person: int = 7, value: object = MARKED) -> None:
        """Accept a version of each resource, one commit each."""
        with self.node() as node:
            for id_ in ids:
                node.journal.commit([a_change(id_, person=person, value=value)])

    def end(self, id_: str) -> None:
        with self.node() as node:
            node.journal.commit([a_change(id_, Operation.DELETE)])

    def erase(self, id_: str) -> None:
        with self.node() as node:
            key = (0, "Observation", id_)
            node.journal.erase([key], rule="test", by="nobody", article="Law 91/2025 art. 14")

    def keys_for(self, data: Path) -> None:
        """Lay the keys of the node down elsewhere, as `trucyte keys import` does."""
        place_files(data / "keys", Keyring.open(self.data / "keys").files())

    def restored(self, name: str = "again") -> Path:
        """Let commands mean the empty node from here on, with the keys of the other."""
        data = self.root / name
        self.keys_for(data)
        self.use(data, self.empty)
        return data


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict, str]:
    """Run a command; return its exit code, the JSON it told and what it said of failure."""
    capsys.readouterr()
    code = main([str(one) for one in arguments], standalone_mode=False)
    out, err = capsys.readouterr()
    told = json.loads(out.splitlines()[-1]) if out.startswith("{") else {}
    return code, told, err
