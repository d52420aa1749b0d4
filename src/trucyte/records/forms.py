"""The forms by which a reference, a unit or a pair can be asked, as hashes. Pure."""

from trucyte.fhir.search.values import SearchValues
from trucyte.records.hashing import Hasher, coding_forms


def reference_forms(
    hasher: Hasher,
    value: tuple[str | None, str | None, str | None, str | None, str | None],
    origin: int,
) -> list[int]:
    """Return the forms of a reference: (type, id, url, identifier system, identifier value)."""
    kind, id_, url, system, identifier = value
    forms = []
    if kind is not None and id_ is not None:
        forms.append(hasher.reference(origin, kind, id_))
    if url is not None:
        forms.append(hasher.uri(url))
        if "|" in url:
            forms.append(hasher.uri(url.partition("|")[0]))
    if system is not None or identifier is not None:
        forms.extend(
            hasher.form("identifier", str(form))
            for form in coding_forms(hasher, system, identifier)
        )
    return forms


def unit_forms(hasher: Hasher, system: str | None, code: str | None, unit: str | None) -> list[int]:
    """Return the forms of a unit: `system|code`, and `code` or the human unit alone."""
    forms = set()
    if system and code:
        forms.add(hasher.system_code(system, code))
    forms.update(hasher.code(name) for name in (code, unit) if name)
    return sorted(forms)


def pair_forms(
    hasher: Hasher, pairs: SearchValues, origin: int, count: int
) -> tuple[list[int], ...]:
    """Return the forms of each of the `count` components of one element; ranges have none."""
    forms: tuple[list[int], ...] = tuple([] for _ in range(count))
    for place, system, code, _ in pairs.tokens:
        forms[place].extend(coding_forms(hasher, system, code))
    for place, system, value, _, _ in pairs.identifiers:
        forms[place].extend(coding_forms(hasher, system, value))
    for reference in pairs.references:
        forms[reference[0]].extend(reference_forms(hasher, reference[1:], origin))
    for place, uri in pairs.uris:
        forms[place].extend(uri_forms(hasher, uri))
    return forms


def uri_forms(hasher: Hasher, uri: str) -> list[int]:
    """Return the forms of a uri, with its version and without."""
    bare = uri.partition("|")[0]
    return [hasher.uri(uri), hasher.uri(bare)] if "|" in uri else [hasher.uri(uri)]
