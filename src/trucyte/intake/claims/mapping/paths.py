"""Where a value stands in a resource: small paths, compiled to a writer and a reader.

`a.b`          elements inside each other
`a[].b`        the first entry of a list
`a[+]`         a further entry of a list; read back by what the rule recognises
`a[*].b`       one entry a value, which stands at `b` of it
`ext:name`     a named extension of the anchor; `ext:name/part` a part of a complex one
               (`a[].ext:name` of what stands there)
`section:X`    the section of a Composition that holds field X
`p & q`        a list whose first entry stands at `p` and the rest at `q`
"""

from collections.abc import Callable
from typing import Any

from trucyte.intake.claims.mapping.rules import Rule

EXTENSION = "https://trucyte.vn/fhir/StructureDefinition/"
RAW_TEXT = EXTENSION + "raw-text"
ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

Put = Callable[[dict[str, Any], Any], None]
Get = Callable[[dict[str, Any]], Any]


def absent(reason: str = "unknown") -> dict[str, Any]:
    """Return an element that says only why it has no value."""
    return {"extension": [{"url": ABSENT_REASON, "valueCode": reason}]}


def value_key(kind: str) -> str:
    """Return the `value[x]` name of a FHIR type."""
    return "value" + kind[0].upper() + kind[1:]


def compile_path(path: str, rule: Rule, section: dict[str, Any] | None = None) -> tuple[Put, Get]:
    """Return writer and reader of `path` (without its anchor) for values of `rule`."""
    first, _, rest = path.partition(" & ")
    if rest:
        return _first_and_rest(_one(first, rule), compile_path(rest, rule))
    way, found, name = path.partition("ext:")
    if found:
        return _below(way, _extension(name, rule))
    if path.startswith("section:"):
        return _section(section or {})
    if "[*]." in path:
        return _each(path, rule)
    if path.endswith("[+]"):
        return _further(path[:-3], rule)
    return _one(path, rule)


def _walk(steps: list[str], *, make: bool) -> Callable[[dict[str, Any]], Any]:
    plan = [(step.removesuffix("[]"), step.endswith("[]")) for step in steps]

    def make_way(node: dict[str, Any]) -> dict[str, Any]:
        for name, is_list in plan:
            if is_list:
                entries = node.setdefault(name, [{}])
                node = entries[0]
            else:
                node = node.setdefault(name, {})
        return node

    def follow(node: Any) -> Any:
        for name, is_list in plan:
            node = node.get(name)
            if not node:
                return None
            if is_list:
                node = node[0]
        return node

    return make_way if make else follow


def _one(path: str, rule: Rule) -> tuple[Put, Get]:
    *way, last = path.split(".")
    into, along = _walk(way, make=True), _walk(way, make=False)
    if not way:

        def put_here(anchor: dict[str, Any], value: Any) -> None:
            anchor[last] = value

        return put_here, lambda anchor: _matching(anchor.get(last), rule)

    def put(anchor: dict[str, Any], value: Any) -> None:
        into(anchor)[last] = value

    def get(anchor: dict[str, Any]) -> Any:
        node = along(anchor)
        return _matching(node.get(last), rule) if node else None

    return put, get


def _matching(value: Any, rule: Rule) -> Any:
    """Return `value` where it is of the rule's making (a plain value always is)."""
    if isinstance(value, dict):
        return value if rule.matches(value) else None
    return value


def _further(path: str, rule: Rule) -> tuple[Put, Get]:
    *way, last = path.split(".")
    into, along = _walk(way, make=True), _walk(way, make=False)

    def put(anchor: dict[str, Any], value: Any) -> None:
        entries = into(anchor).setdefault(last, [])
        if rule.is_many:
            entries.extend(value)
        else:
            entries.append(value)

    def get(anchor: dict[str, Any]) -> Any:
        node = along(anchor)
        found = [entry for entry in node.get(last, ()) if rule.matches(entry)] if node else []
        if rule.is_many:
            return found or None
        return found[0] if found else None

    return put, get


def _extension(name: str, rule: Rule) -> tuple[Put, Get]:
    outer, _, inner = name.partition("/")
    if inner:
        return _part(EXTENSION + outer, inner, rule)
    url, key = EXTENSION + name, value_key(rule.kind)

    def put(anchor: dict[str, Any], value: Any) -> None:
        entries = anchor.setdefault("extension", [])
        if rule.is_many:
            entries.extend([{"url": url, key: each} for each in value])
        else:
            entries.append({"url": url, key: value})

    def get(anchor: dict[str, Any]) -> Any:
        found = [e[key] for e in anchor.get("extension", ()) if e["url"] == url]
        if rule.is_many:
            return found or None
        return found[0] if found else None

    return put, get


def _below(way: str, extension: tuple[Put, Get]) -> tuple[Put, Get]:
    if not way:
        return extension
    steps = way.rstrip(".").split(".")
    into, along = _walk(steps, make=True), _walk(steps, make=False)

    def put(anchor: dict[str, Any], value: Any) -> None:
        extension[0](into(anchor), value)

    def get(anchor: dict[str, Any]) -> Any:
        node = along(anchor)
        return extension[1](node) if node else None

    return put, get


def _each(path: str, rule: Rule) -> tuple[Put, Get]:
    name, _, inner = path.partition("[*].")

    def put(anchor: dict[str, Any], values: Any) -> None:
        anchor[name] = [{inner: value} for value in values]

    def get(anchor: dict[str, Any]) -> Any:
        entries = (entry.get(inner) for entry in anchor.get(name, ()))
        return [value for value in entries if value and rule.matches(value)] or None

    return put, get


def _part(url: str, inner: str, rule: Rule) -> tuple[Put, Get]:
    key = value_key(rule.kind)

    def put(anchor: dict[str, Any], value: Any) -> None:
        parts = _complex(anchor.setdefault("extension", []), url)
        for each in value if rule.is_many else (value,):
            parts.append({"url": inner, key: each})

    def get(anchor: dict[str, Any]) -> Any:
        found = [
            part[key]
            for entry in anchor.get("extension", ())
            if entry["url"] == url
            for part in entry["extension"]
            if part["url"] == inner
        ]
        if rule.is_many:
            return found or None
        return found[0] if found else None

    return put, get


def _complex(entries: list[dict[str, Any]], url: str) -> list[dict[str, Any]]:
    """Return the parts of the complex extension `url`, made where it is not there yet."""
    for entry in entries:
        if entry["url"] == url:
            parts: list[dict[str, Any]] = entry["extension"]
            return parts
    parts = []
    entries.append({"url": url, "extension": parts})
    return parts


def _section(head: dict[str, Any]) -> tuple[Put, Get]:
    code = head["code"]["coding"][0]["code"]

    def put(anchor: dict[str, Any], value: Any) -> None:
        entry = {**head, "text": {"status": "additional", "div": value}}
        anchor.setdefault("section", []).append(entry)

    def get(anchor: dict[str, Any]) -> Any:
        for entry in anchor.get("section", ()):
            if entry.get("code", {}).get("coding", ({},))[0].get("code") == code:
                return entry["text"]["div"]
        return None

    return put, get


def _first_and_rest(first: tuple[Put, Get], rest: tuple[Put, Get]) -> tuple[Put, Get]:
    def put(anchor: dict[str, Any], values: Any) -> None:
        first[0](anchor, values[0])
        if len(values) > 1:
            rest[0](anchor, values[1:])

    def get(anchor: dict[str, Any]) -> Any:
        value = first[1](anchor)
        return None if value is None else [value, *(rest[1](anchor) or ())]

    return put, get
