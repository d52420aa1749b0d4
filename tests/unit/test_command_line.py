import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import walk_packages
from string import Formatter

import click
import pytest

import trucyte
from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.database.server import ServerNotStarted
from trucyte.node import cli


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", *arguments],
        env=os.environ | {"PYTHONPATH": "src"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_each_command_of_the_table_loads_and_has_an_example(name: str) -> None:
    command = cli.menu.get_command(click.Context(cli.menu), name)  # type: ignore[attr-defined] - a Menu
    assert isinstance(command, click.Command)
    parts = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for part in parts:
        assert "Example: trucyte" in (part.help or ""), part.name


def test_wrong_use_is_2_and_says_so() -> None:
    for arguments in (["nope"], ["status", "--nope"]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Usage: trucyte" in done.stderr


def test_a_wrong_setting_is_wrong_use() -> None:
    done = run("status", TRUCYTE_PORT="http", TRUCYTE_LANGUAGE="en")
    assert done.returncode == 2
    assert done.stderr.startswith("trucyte: A setting is wrong in")
    assert done.stderr.count("\n") == 1


def test_a_node_that_cannot_be_reached_is_3_in_the_language_of_the_node(tmp_path: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none"
    told = {"TRUCYTE_DATABASE_URL": away, "TRUCYTE_DATA": str(tmp_path / "var")}
    done = run("status", **told)
    assert done.returncode == 3
    assert done.stderr == (
        "trucyte: Cơ sở dữ liệu không trả lời; điều gì chưa xác nhận là chưa lưu."
        " Hãy thử lại sau. [database-away]\n"
    )


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KeyboardInterrupt(), 130),
        (ServerNotStarted(reason="x", log="y"), 3),
        (BrokenPipeError(), 0),
        (click.UsageError("no"), 2),
    ],
)
def test_what_ends_a_command_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int
) -> None:
    def end(**options: object) -> None:
        raise raised

    monkeypatch.setattr(cli.menu, "main", end)
    monkeypatch.setattr(cli, "_stop_writing", lambda: None)
    assert cli.main([], standalone_mode=False) == code


def test_a_reader_that_has_enough_ends_nothing_with_a_traceback() -> None:
    code = (
        "import time\n"
        "from trucyte.node import cli\n"
        "time.sleep(0.5)\n"  # until the reader has gone
        "cli.main(['--help'])\n"
    )
    script = f'{sys.executable} -c "$CODE" | true; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PYTHONPATH": "src", "CODE": code},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_a_defect_is_not_made_into_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: object) -> None:
        raise AssertionError("a defect")

    monkeypatch.setattr(cli.menu, "main", fail)
    with pytest.raises(AssertionError, match="a defect"):
        cli.main([], standalone_mode=False)


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from problems(sub)


def test_vietnamese_words_name_only_facts_that_the_problem_has() -> None:
    for module in walk_packages(trucyte.__path__, "trucyte."):
        import_module(module.name)
    table = tomllib.loads(files("trucyte.base").joinpath("problems.vi.toml").read_text("utf-8"))
    facts = {
        kind.code: {name for _, name, _, _ in Formatter().parse(kind.__doc__ or "") if name}
        for kind in problems()
    }
    for code, text in table.items():
        names = {name for _, name, _, _ in Formatter().parse(text) if name}
        assert code in facts, code
        assert names <= facts[code], code


def test_what_has_no_vietnamese_is_said_in_english() -> None:
    class NewProblem(Problem):
        """Something new: {what}."""

        code = "nowhere-listed"

    assert wording(NewProblem(what="this"), "vi") == "Something new: this."


# What DuckDB makes of a signal in the middle of a statement.
_BUSY = """
import os, signal, sys
import click
from trucyte.node import cli

@click.command()
def busy():
    try:
        signal.raise_signal(int(sys.argv[1]))
    except BaseException:
        raise RuntimeError("Query interrupted") from None

cli.Menu.get_command = lambda *told: busy
cli.main(["busy"])
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_a_library_makes_of_an_interruption_is_not_an_error_of_the_input(
    number: signal.Signals, code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BUSY, str(int(number))],
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.strip()) == (code, "")
