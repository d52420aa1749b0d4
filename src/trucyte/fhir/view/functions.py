"""What views add to FHIRPath: keys of resources and references, and `join` of nothing.

SQL-on-FHIR v2, "Required Additional Functions".
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from trucyte.fhir.path.code import Code, Compiler, Function, of_run, whole
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.functions import FUNCTIONS
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import Items

_TYPE = "[A-Z][A-Za-z]{1,60}"
_ID = r"[A-Za-z0-9.\-]{1,64}"
URN_PATTERN: Final = rf"^urn:(?:uuid|oid):({_ID})$"


def reference_pattern(type_name: str) -> str:
    """Return the pattern of references, relative, absolute or versioned, that catches the id.

    `type_name` is a resource type, or empty for any.
    """
    kind = type_name or _TYPE
    return rf"^(?:https?://[^?#]*/)?{kind}/({_ID})(?:/_history/{_ID})?$"


def relative_pattern(type_name: str) -> str:
    """Return the pattern of the simplest references: a type, a slash and an id."""
    return rf"^{type_name or _TYPE}/{_ID}$"


def reference_key(reference: Mapping[str, Any], type_name: str) -> str | None:
    """Return the key of what a Reference points to; None where it is of another type."""
    text = reference.get("reference")
    if text.__class__ is not str:
        return None
    if text.startswith("urn:"):
        is_wanted = type_name in ("", reference.get("type"))
        match = re.match(URN_PATTERN, text) if is_wanted else None
    else:
        match = re.match(reference_pattern(type_name), text)
    return match[1] if match else None


def _resource_keys(items: Items) -> Items:
    return [
        item.value["id"]
        for item in items
        if item.__class__ is Node and item.kind.is_resource and type(item.value.get("id")) is str
    ]


def _build_reference_key(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    wanted = compiler.type_argument(call).name if call.arguments else ""

    def run(items: Items, scope: Scope) -> Items:
        keys = [
            reference_key(item.value, wanted)
            for item in focus(items, scope)
            if item.__class__ is Node and item.kind.name == "Reference"
        ]
        return [key for key in keys if key is not None]

    return of_run(run)


def _build_join(compiler: Compiler, call: Call, before: Code) -> Code:
    """Compile `join`, which in a view gives an empty text for nothing."""
    join = FUNCTIONS["join"].build(compiler, call, before).run
    return of_run(lambda items, scope: join(items, scope) or [""])


VIEW_FUNCTIONS: Final[Mapping[str, Function]] = {
    **FUNCTIONS,
    "getResourceKey": whole(_resource_keys),
    "getReferenceKey": Function(0, 1, _build_reference_key),
    "join": Function(0, 1, _build_join),
}
