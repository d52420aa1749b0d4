"""Secrets come from files that nobody else can read, and show up nowhere."""

from pathlib import Path

import pytest

from trucyte.base.problem import Problem
from trucyte.base.secret_files import SecretExposed, SecretMissing, read_secret
from trucyte.base.settings import load_settings
from trucyte.database.connect import Database, DatabaseAway
from trucyte.node.keeping.checkers import Place
from trucyte.node.serving.supervisor import Plan

MARKED = "pass-MARKED-word"
URL = f"postgresql://trucyte:{MARKED}@127.0.0.1:1/none"


def a_secret(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def settings_with(folder: Path, text: str, environment: dict[str, str] | None = None):
    file = folder / "trucyte.toml"
    file.write_text(text)
    return load_settings(environment or {}, file=file)


def test_a_secret_ends_before_its_line_does(tmp_path: Path) -> None:
    assert read_secret(a_secret(tmp_path, f"{MARKED}\n")) == MARKED


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_what_others_can_get_at_is_refused_without_its_text(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretExposed) as told:
        read_secret(a_secret(tmp_path, MARKED, mode))
    assert MARKED not in str(told.value)


def test_a_secret_that_is_not_there_or_no_text_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing):
        read_secret(tmp_path / "none")
    file = a_secret(tmp_path, "")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretMissing):
        read_secret(file)


def test_a_bare_name_is_a_credential_of_the_service_which_its_group_may_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "database").write_text(URL)
    (tmp_path / "database").chmod(0o440)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_secret(Path("database"), environment) == URL
    text = '[database]\nurl_file = "database"\n'
    assert settings_with(tmp_path, text, environment).database.url == URL
    (tmp_path / "database").chmod(0o444)
    with pytest.raises(SecretExposed):
        read_secret(Path("database"), environment)


def test_the_address_and_the_password_of_the_database_come_from_files(tmp_path: Path) -> None:
    file = a_secret(tmp_path, MARKED)
    text = f'[database]\nurl = "postgresql://trucyte@db.example.vn/x"\npassword_file = "{file}"\n'
    assert f"password={MARKED}" in settings_with(tmp_path, text).database.url
    file.chmod(0o644)
    with pytest.raises(SecretExposed):
        settings_with(tmp_path, text)


def test_the_environment_wins_over_a_file(tmp_path: Path) -> None:
    text = f'[database]\nurl_file = "{tmp_path / "none"}"\n'
    told = settings_with(tmp_path, text, {"TRUCYTE_DATABASE_URL": "postgresql:///y"})
    assert told.database.url == "postgresql:///y"


def test_no_value_shows_a_password(tmp_path: Path) -> None:
    file = a_secret(tmp_path, URL)
    settings = settings_with(tmp_path, f'[database]\nurl_file = "{file}"\n')
    plan = Plan(1, None, {"TRUCYTE_DATABASE_URL": URL})  # type: ignore[arg-type] # of no use here
    place = Place(URL, tmp_path, None, "journal")
    database = Database(settings.database.url, wait_seconds=0.1)
    for value in (settings, settings.database, plan, place, database):
        assert MARKED not in repr(value)
        assert MARKED not in str(value)


def test_an_error_of_connecting_shows_no_password() -> None:
    database = Database(URL, wait_seconds=0.1)
    with pytest.raises(DatabaseAway) as told:
        database.connect()
    shown: BaseException | None = told.value
    while shown is not None:
        assert MARKED not in f"{shown!s} {shown!r}"
        shown = shown.__cause__ or shown.__context__
    assert isinstance(told.value, Problem)
