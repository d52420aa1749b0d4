"""Registers: who may practise and where, which facilities there are, and what became of them."""
