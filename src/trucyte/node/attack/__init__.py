"""Attacks that an operator runs against an own node, and the signed report of them."""
