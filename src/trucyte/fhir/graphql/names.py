"""What types are called in GraphQL: a name has no dot, a part of a resource has."""


def shown_name(type: str) -> str:
    """Return `Patient.contact` as `Patient_contact`; a part of a connection by its own name."""
    head, _, of = type.partition(" ")
    if head.startswith("*"):
        return of + head.removeprefix("*")
    return type.replace(".", "_")
