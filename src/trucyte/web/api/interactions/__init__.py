"""The interactions of R4 §3.1, a module each kind: plain functions from a call to an answer."""
