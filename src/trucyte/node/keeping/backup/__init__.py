"""Copies of a node that nobody else can read, and a node made from them."""
