"""Bodies at rest: sealed under keys of their persons, sealed anew, erased by law."""
