from pathlib import Path

import psycopg
import pytest

from tests.support.records import change_of
from trucyte.base.disk import DiskNearlyFull
from trucyte.base.settings import DatabaseSettings, DiskSettings, Settings
from trucyte.database.connect import Database, DatabaseAway
from trucyte.database.server import DataFolderRefused
from trucyte.node.wiring import open_node


def test_a_node_on_ones_own_postgresql_is_migrated_and_keeps_its_keys(
    empty_database: Database, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "var", database=DatabaseSettings(url=empty_database.url))
    with open_node(settings) as node:
        assert node.server is None
        assert node.applied
        assert node.journal.tail() == 0
        key = node.keyring.key_id
    with open_node(settings) as node:
        assert node.applied == ()
        assert node.keyring.key_id == key


def test_a_node_does_not_open_where_there_is_no_room(tmp_path: Path) -> None:
    full = DiskSettings(warn_bytes=2**62, stop_bytes=2**61)
    with pytest.raises(DiskNearlyFull), open_node(Settings(data=tmp_path, disk=full)):
        pass


def test_little_room_is_said_aloud_and_the_node_opens(
    empty_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        data=tmp_path / "var",
        database=DatabaseSettings(url=empty_database.url),
        disk=DiskSettings(warn_bytes=2**62, stop_bytes=1),
    )
    with open_node(settings):
        assert "Ổ đĩa sắp đầy" in capsys.readouterr().err


def test_a_data_folder_that_is_a_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(DataFolderRefused), open_node(Settings(data=tmp_path / "var")):
        pass


def test_what_was_opened_is_closed_when_a_later_part_fails(
    empty_database: Database, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "var", database=DatabaseSettings(url=empty_database.url))
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "keys").write_text("in the way")
    with pytest.raises(FileExistsError), open_node(settings):
        pass
    with psycopg.connect(empty_database.url) as connection:
        others = connection.execute(
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchone()
    assert others == (0,)


def test_a_server_of_ones_own_that_is_away_is_said_at_once(tmp_path: Path) -> None:
    away = DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseAway), open_node(Settings(data=tmp_path, database=away)):
        pass


def test_an_index_of_an_older_form_is_said_aloud_until_it_is_built_again(
    empty_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data=tmp_path / "var", database=DatabaseSettings(url=empty_database.url))
    with open_node(settings) as node:
        node.journal.commit([change_of({"resourceType": "Patient", "id": "p"})])
    with open_node(settings):
        assert "rebuild" not in capsys.readouterr().err
    # As a program before the first stamp left it.
    with psycopg.connect(empty_database.url, autocommit=True) as connection:
        connection.execute("delete from journal.cursor where name = 'records.index'")
    with open_node(settings) as node:
        assert "trucyte rebuild" in capsys.readouterr().err
        assert node.journal.compare() is None
        assert not node.parts.index.is_current(node.database)
        node.journal.rebuild()
        assert node.parts.index.is_current(node.database)
    with open_node(settings):
        assert "rebuild" not in capsys.readouterr().err
