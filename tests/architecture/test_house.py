"""The house stays in order: imports, sizes, purity, documents.

Exceptions are listed here by name; the lists only shrink.
"""

import ast
import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "trucyte"

FORBIDDEN_NAMES = {"common", "utils", "util", "helpers", "core", "models", "managers", "misc"}
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
FOLDER_FILES_MAX = 20

LONG_FUNCTIONS: set[str] = set()
LONG_FILES: set[str] = set()
FULL_FOLDERS: set[str] = set()
PURE_PACKAGES = ("fhir", "vietnam")
# The one reader of the country's own tables.
READS_OWN_DATA = {"vietnam/tables.py"}
IMPURE_MODULES = {"os", "socket", "subprocess", "urllib", "http", "pathlib", "tempfile", "shutil"}


def modules() -> Iterator[Path]:
    for path in sorted(SOURCE.rglob("*.py")):
        if "generated" not in path.parts:
            yield path


def relative(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_the_layers_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter is not installed")
    result = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_no_module_hides_behind_a_name_that_says_nothing() -> None:
    names = {path.stem for path in modules()} | {path.parent.name for path in modules()}
    assert not names & FORBIDDEN_NAMES


def test_functions_are_short() -> None:
    long = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX:
                    long.add(f"{relative(path)}:{node.name}")
    assert long == LONG_FUNCTIONS


def test_files_are_short() -> None:
    long = {relative(p) for p in modules() if len(p.read_text().splitlines()) > FILE_LINES_MAX}
    assert long == LONG_FILES


def test_folders_are_small() -> None:
    folders = {p.parent for p in modules()}
    full = {
        folder.relative_to(SOURCE).as_posix()
        for folder in folders
        if len([child for child in folder.iterdir() if child.suffix == ".py"]) > FOLDER_FILES_MAX
    }
    assert full == FULL_FOLDERS


def test_every_module_says_what_it_is_for() -> None:
    silent = [relative(p) for p in modules() if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_language_and_the_country_are_pure() -> None:
    impure = {
        relative(path): sorted(found)
        for path in modules()
        if relative(path).split("/")[0] in PURE_PACKAGES
        and relative(path) not in READS_OWN_DATA
        and (found := imported(path) & (IMPURE_MODULES | {"importlib"}))
    }
    assert impure == {}


def test_only_access_and_node_make_an_access_value() -> None:
    makers = {
        relative(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Access"
    }
    assert all(maker.startswith(("shared/access/", "node/")) for maker in makers), makers


def test_nothing_prints_but_the_command_line() -> None:
    printers = {
        relative(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert printers == set()


def test_the_architecture_page_names_every_package() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    packages = {p.name for p in SOURCE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    named = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    assert named == packages


def test_decisions_are_numbered_once_and_titled() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [record.name[:4] for record in records]
    assert len(numbers) == len(set(numbers))
    for record in records:
        assert record.read_text().startswith(f"# {record.name[:4]} "), record.name


def test_the_command_line_answers_help_without_heavy_imports() -> None:
    code = (
        "import sys\n"
        "from trucyte.node.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'psycopg', 'lxml', 'starlette', 'jinja2', 'zstandard', 'msgspec'}\n"
        "raise SystemExit(','.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.strip() == ""
    assert result.returncode == 0


def test_every_requirement_names_a_test_that_is_there() -> None:
    with (ROOT / "requirements.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    missing = [row["shown by"] for row in rows if not (ROOT / row["shown by"]).is_file()]
    assert missing == []
