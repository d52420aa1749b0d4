"""What FHIR adds to the language (R4 2.9.1.3 and 2.9.1.4)."""

from collections.abc import Mapping
from typing import Any, Final

from trucyte.fhir.path.code import Code, Compiler, Function, of_run, of_test, text, whole
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import EMPTY, Items, single, system
from trucyte.fhir.validation.narrative import check_narrative


def _build_extension(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, url_of = before.run, compiler.code(call.arguments[0])
    constant = url_of.constant

    def run(items: Items, scope: Scope) -> Items:
        url = text(constant if constant is not None else url_of.run(scope.this, scope))
        found: Items = []
        for item in focus(items, scope):
            if item.__class__ is Node:
                read = item.kind.readers["extension"]
                if read is not None:
                    read(item, found)
        return [one for one in found if one.value.get("url") == url]

    return of_run(run)


def _build_has_extension(compiler: Compiler, call: Call, before: Code) -> Code:
    """Compile what R4's search parameters write for `extension(url).exists()`."""
    run = _build_extension(compiler, call, before).run
    return of_test(lambda items, scope: bool(run(items, scope)))


def _build_has_value(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run

    def ask(items: Items, scope: Scope) -> bool:
        found = focus(items, scope)
        if len(found) != 1:
            return False
        item = found[0]
        if item.__class__ is not Node:
            return True
        return item.kind.is_primitive and item.value is not None

    return of_test(ask)


def _get_value(items: Items) -> Items:
    if len(items) != 1:
        return EMPTY
    item = items[0]
    if item.__class__ is Node and (not item.kind.is_primitive or item.value is None):
        return EMPTY
    return [system(item)]


# --- resolve ----------------------------------------------------------------------------


def _build_resolve(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, model = before.run, compiler.model

    def run(items: Items, scope: Scope) -> Items:
        found: Items = []
        for item in focus(items, scope):
            reference = _reference(item)
            if reference is None:
                continue
            if reference.startswith("#"):
                found += _contained(item, reference[1:], scope, model.resource)
                continue
            resource = _in_bundle(item, reference, scope)
            if resource is None and scope.environment.resolver is not None:
                resource = scope.environment.resolver.resolve(reference)
            if resource is not None:
                found.append(model.resource(resource))
        return found

    return of_run(run)


def _reference(item: Any) -> str | None:
    """Read where a Reference, a canonical or a text points to."""
    if item.__class__ is Node and item.value.__class__ is dict:
        reference = item.value.get("reference")
        return reference if reference.__class__ is str else None
    value = system(item)
    return value if value.__class__ is str else None


def _contained(item: Any, id: str, scope: Scope, resource: Any) -> Items:
    """Find a contained resource in the resource that holds the reference, or around it."""
    holder = item.owner if item.__class__ is Node else None
    holder = holder or scope.environment.root_resource or scope.environment.resource
    while holder is not None:
        if not id and holder.owner is None:
            return [holder]
        listed = holder.value.get("contained")
        for one in listed if listed.__class__ is list else ():
            if one.__class__ is dict and one.get("id") == id:
                return [resource(one, holder)]
        holder = holder.owner
    return EMPTY


def _in_bundle(item: Any, reference: str, scope: Scope) -> dict[str, Any] | None:
    """Find an entry of the Bundle around a reference by its fullUrl or its type and id."""
    node = item if item.__class__ is Node else None
    while node is not None and node.owner is not None:
        node = node.owner
    if node is None or node.kind.name != "Bundle":
        return None
    place = ("entries", id(node.value))
    entries = scope.shared.settled.get(place)
    if entries is None:
        entries = scope.shared.settled[place] = _entries(node.value.get("entry"))
    found: dict[str, Any] | None = entries.get(reference)
    return found


def _entries(listed: Any) -> dict[str, dict[str, Any]]:
    """Return the resources of a Bundle by what they may be referred to; first ones win."""
    named: dict[str, dict[str, Any]] = {}
    for entry in listed if listed.__class__ is list else ():
        resource = entry.get("resource") if entry.__class__ is dict else None
        if resource.__class__ is not dict:
            continue
        url = entry.get("fullUrl")
        if url.__class__ is str:
            named.setdefault(url, resource)
        named.setdefault(f"{resource.get('resourceType')}/{resource.get('id')}", resource)
    return named


# --- Terminology --------------------------------------------------------------------------


def _build_member_of(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, value_set_of = before.run, compiler.code(call.arguments[0]).run

    def ask(items: Items, scope: Scope) -> bool | None:
        found = focus(items, scope)
        value_set = text(value_set_of(scope.this, scope))
        single(found)
        terminology = scope.environment.terminology
        if not found or value_set is None or terminology is None:
            return None
        answers = [
            terminology.member_of(value_set, where, code) for where, code in _codings(found[0])
        ]
        if True in answers:
            return True
        return None if None in answers else False

    return of_test(ask)


def _codings(item: Any) -> list[tuple[str | None, str]]:
    """Read the codes of a code, a Coding, a Quantity or a CodeableConcept."""
    source = item.value if item.__class__ is Node else item
    if source.__class__ is str:
        return [(None, source)]
    if source.__class__ is not dict:
        return []
    listed = source.get("coding")
    codings = listed if listed.__class__ is list else [source]
    return [
        (one.get("system") if one.get("system").__class__ is str else None, one["code"])
        for one in codings
        if one.__class__ is dict and one.get("code").__class__ is str
    ]


def _subsumption(*, reverse: bool) -> Function:
    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus, other_of = before.run, compiler.code(call.arguments[0]).run

        def ask(items: Items, scope: Scope) -> bool | None:
            left, right = focus(items, scope), other_of(scope.this, scope)
            single(left), single(right)
            if not left or not right:
                return None
            pair = (right[0], left[0]) if reverse else (left[0], right[0])
            return _subsumes(scope, *pair)

        return of_test(ask)

    return Function(1, 1, build)


def _subsumes(scope: Scope, above: Any, below: Any) -> bool | None:
    terminology = scope.environment.terminology
    answers: list[bool | None] = []
    for where, code in _codings(above):
        for other_where, other in _codings(below):
            if where is None or where != other_where:
                answers.append(False)
            elif code == other:
                return True
            else:
                answers.append(terminology.subsumes(where, code, other) if terminology else None)
    if True in answers:
        return True
    return None if None in answers else False


# --- Checks -----------------------------------------------------------------------------


def _html_checks(items: Items) -> Items:
    if not items:
        return EMPTY
    value = single(items)
    return [value is not None and check_narrative(value, None) is None]


def _build_check_modifiers(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    known = [compiler.code(argument).run for argument in call.arguments]

    def run(items: Items, scope: Scope) -> Items:
        found = focus(items, scope)
        urls = {text(one(scope.this, scope)) for one in known}
        for item in found:
            listed = item.value.get("modifierExtension") if _is_object(item) else None
            for extension in listed if listed.__class__ is list else ():
                url = extension.get("url") if extension.__class__ is dict else None
                if url not in urls:
                    raise PathEvaluation(reason="there is a modifier extension not foreseen")
        return found

    return of_run(run)


def _is_object(item: Any) -> bool:
    return item.__class__ is Node and item.value.__class__ is dict


ELEMENTS: Final[Mapping[str, Function]] = {
    "extension": Function(1, 1, _build_extension),
    "hasExtension": Function(1, 1, _build_has_extension),
    "hasValue": Function(0, 0, _build_has_value),
    "getValue": whole(_get_value),
    "resolve": Function(0, 0, _build_resolve),
    "memberOf": Function(1, 1, _build_member_of),
    "subsumes": _subsumption(reverse=False),
    "subsumedBy": _subsumption(reverse=True),
    "htmlChecks": whole(_html_checks),
    "checkModifiers": Function(0, 50, _build_check_modifiers),
}
