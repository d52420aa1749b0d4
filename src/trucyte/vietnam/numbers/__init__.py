"""Numbers that people and facilities are known by: what kind, in which form, usable or not."""

from trucyte.vietnam.numbers.number import Number, read_number

__all__ = ["Number", "read_number"]
