"""Places: administrative units with validity dates, and addresses read into them."""

from trucyte.vietnam.places.address import Address, read_address
from trucyte.vietnam.places.history import Succession, Unit, predecessors, successors, unit

__all__ = [
    "Address",
    "Succession",
    "Unit",
    "predecessors",
    "read_address",
    "successors",
    "unit",
]
