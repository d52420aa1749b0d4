"""The compiled definitions of R4, as they lie beside the program."""

from pathlib import Path

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.structures import Cache, load

_GENERATED = Path(__file__).parents[1] / "fhir" / "generated"
DEFINITIONS = _GENERATED / "r4.definitions"
STRUCTURES = _GENERATED / "r4.structures"


class ContentNotBuilt(Problem):
    """The file {file} of the program is missing; run `make setup`."""

    kind = Kind.UNAVAILABLE
    code = "content-not-built"


def load_definitions() -> Definitions:
    """Load the compiled R4 definitions. Raises ContentNotBuilt."""
    try:
        return Definitions.load(DEFINITIONS.read_bytes())
    except FileNotFoundError:
        raise ContentNotBuilt(file=DEFINITIONS.name) from None


def load_structures() -> Cache:
    """Load R4's own profiles and open value sets. Raises ContentNotBuilt."""
    try:
        return load(STRUCTURES.read_bytes())
    except FileNotFoundError:
        raise ContentNotBuilt(file=STRUCTURES.name) from None
