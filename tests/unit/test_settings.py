from pathlib import Path

import pytest

from trucyte.base.settings import SettingRefused, SettingsUnreadable, load_settings


def written(folder: Path, text: str) -> Path:
    file = folder / "trucyte.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_everything_has_a_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.data == tmp_path / "var"
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8080)
    assert settings.database.url == ""


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'data = "/srv/a"\nlanguage = "en"\n[web]\nport = 1\n[node]\nname = "Bệnh viện Mẫu"\n',
    )
    settings = load_settings(
        {
            "TRUCYTE_DATA": "/srv/b",
            "TRUCYTE_PORT": "8081",
            "TRUCYTE_DATABASE_URL": "postgresql://x",
        },
        file=file,
    )
    assert (settings.data, settings.language) == (Path("/srv/b"), "en")
    assert (settings.web.port, settings.database.url) == (8081, "postgresql://x")
    assert settings.node.name == "Bệnh viện Mẫu"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("data = 7", r"\$\.data"),
        ("colour = 1", "unknown field `colour`"),
        ("[web]\nprot = 1", "unknown field `prot`"),
        ('[web]\nport = "many"', r"\$\.web\.port"),
        ("[web]\nport = 70000", "between 0 and 65535"),
        ('language = "fr"', "language"),
        ("web = 3", r"\$\.web"),
        ("[disk]\nwarn_bytes = 1\nstop_bytes = 2", "below disk.stop_bytes"),
        ("[database]\nconnections_max = 1", "below 2"),
        ('[subscriptions]\ntrust = "/nowhere/ca.pem"', "subscriptions.trust is no file"),
        ('[subscriptions]\ntrust = "trucyte.toml"', "subscriptions.trust is no file"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_with_its_place(
    tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(SettingRefused, match=why):
        load_settings({}, file=written(tmp_path, text))


def test_a_file_that_is_not_there_or_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnreadable, match="No such file"):
        load_settings({}, file=tmp_path / "nowhere.toml")
    with pytest.raises(SettingsUnreadable):
        load_settings({}, file=written(tmp_path, "= ="))


def test_a_port_from_the_environment_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match="port"):
        load_settings({"TRUCYTE_PORT": "http"}, file=written(tmp_path, ""))
