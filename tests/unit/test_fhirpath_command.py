"""`trucyte fhirpath`: a JSON array on standard output, exit codes of the contract."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fhirpath import PATIENT
from trucyte.fhir.definitions import Definitions
from trucyte.node import fhirpath as command


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", "fhirpath", *arguments],
        env=os.environ | {"PYTHONPATH": "src", "TRUCYTE_LANGUAGE": "en"},
        input=given,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def _built() -> None:
    if not (Path(command.__file__).parents[1] / "fhir/generated/r4.definitions").exists():
        pytest.skip("the definitions are not built here (make setup)")


@pytest.mark.usefixtures("_built")
def test_the_result_is_one_json_array() -> None:
    done = run("name.given | 1.50 | birthDate", "-", given=json.dumps(PATIENT).encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert (
        done.stdout.decode()
        == '["Văn","Thử",{"extension":[{"url":"urn:ly-do","valueString":"x"}]},1.50,"1990-05"]\n'
    )


@pytest.mark.usefixtures("_built")
def test_xml_is_read_as_json_is(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text('<Patient xmlns="http://hl7.org/fhir"><id value="a"/></Patient>')
    assert run("id", str(path)).stdout == b'["a"]\n'


@pytest.mark.usefixtures("_built")
def test_an_expression_needs_no_file() -> None:
    assert run("1 + 1").stdout == b"[2]\n"


@pytest.mark.usefixtures("_built")
@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (["1 +"], b"", b"path-syntax"),
        (["nam", "-"], b'{"resourceType":"Patient"}', b"path-meaning"),
        (["1 + 'a'"], b"", b"path-evaluation"),
        (["id", "-"], b'{"resourceType":"Patient","id":1,"id":2}', b"json-duplicate-key"),
        (["id", "/nowhere/at/all"], b"", b"file-unreadable"),
    ],
)
def test_an_error_is_one_line_and_1(arguments: list[str], given: bytes, code: bytes) -> None:
    done = run(*arguments, given=given)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"[" + code + b"]" in done.stderr


@pytest.mark.usefixtures("_built")
def test_lenient_lets_unknown_names_pass() -> None:
    assert run("--lenient", "nam", "-", given=b'{"resourceType":"Patient"}').stdout == b"[]\n"


def test_no_expression_is_wrong_use(definitions: Definitions) -> None:
    assert run().returncode == 2
