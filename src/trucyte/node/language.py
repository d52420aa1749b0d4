"""The compiled definitions of R4, as they lie beside the program."""

from pathlib import Path

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions

_DEFINITIONS = Path(__file__).parents[1] / "fhir" / "generated" / "r4.definitions"


class ContentNotBuilt(Problem):
    """The file {file} of the program is missing; run `make setup`."""

    kind = Kind.UNAVAILABLE
    code = "content-not-built"


def load_definitions() -> Definitions:
    """Load the compiled R4 definitions. Raises ContentNotBuilt."""
    try:
        return Definitions.load(_DEFINITIONS.read_bytes())
    except FileNotFoundError:
        raise ContentNotBuilt(file=_DEFINITIONS.name) from None
