"""Say fast that a resource is sound; where there is doubt, the other checks say what is wrong.

Nearly all that comes is valid, and objects of one type come with few sets of keys. What
depends on the keys alone (known, required, one choice) is settled when a set is first met;
for each, code is generated that looks at the values without a step between. Sound here is
sound there: the parts are the same checks. Doubt says nothing.
"""

from collections.abc import Callable
from typing import Any, Final

from trucyte.fhir.definitions import Definitions, Element, TypeDefinition
from trucyte.fhir.validation import members
from trucyte.fhir.validation.fault import TOO_DEEP, Check, Fault, Found
from trucyte.fhir.validation.lexical import OPEN_FORMS, PATTERNS, TESTS, TEXT_MAX
from trucyte.fhir.validation.links import is_plain_link
from trucyte.fhir.validation.structure import Checks, Keys, is_complete

# Sets of keys that are remembered: what makes up ever new ones gains nothing by it.
SHAPES_MAX: Final = 5_000
DOUBT: Final = [Fault(TOO_DEEP)]
_TEXTS = frozenset({"string", "markdown"})

Shape = tuple[str, ...]  # keys in their order


def _doubtful(value: Any, parent: Any) -> Found:
    return DOUBT


class SoundChecks(Checks):
    """Checks that answer None where all is well, and doubt where it may not be."""

    def __init__(self, definitions: Definitions) -> None:
        """Nothing is generated yet."""
        super().__init__(definitions)
        self._shapes: dict[str, dict[Shape, Check]] = {}
        self._count = 0

    def object(self, name: str) -> Check:
        """Return the check of a type, data type or backbone element."""
        check = self._objects.get(name)
        if check is None:
            check = self._object_check(name)
            if name == "Bundle.entry":
                check = members.bundle_entry(check, self._resource_types)
            self._objects[name] = check
        return check

    def _object_check(self, name: str) -> Check:
        shapes = self._shapes.setdefault(name, {})

        def check(value: Any, parent: Any) -> Found:
            if type(value) is not dict:
                return DOUBT
            shape = tuple(value)
            known = shapes.get(shape)
            if known is None:
                known = self._learned(name, shapes, shape, value)
            return known(value, parent)

        return check

    def _learned(
        self, name: str, shapes: dict[Shape, Check], shape: Shape, value: dict[str, Any]
    ) -> Check:
        if self._count >= SHAPES_MAX:
            return _doubtful
        definition = self._definitions.types[name]
        keys = definition.keys
        is_sound = (
            is_complete(definition, value)
            and all(key.removeprefix("_") in keys or key == "resourceType" for key in shape)
            and (name != "Extension" or _HOLDS(value, None) is None)
        )
        self._count += 1
        shapes[shape] = self._compiled(definition, shape) if is_sound else _doubtful
        return shapes[shape]

    def _compiled(self, definition: TypeDefinition, shape: Shape) -> Check:
        keys = definition.keys
        names: dict[str, Any] = {"doubt": DOUBT}
        conditions = []
        for place, key in enumerate(shape):
            condition = self._condition(definition.kind, keys, key, str(place), names)
            if condition is None:
                return _doubtful
            conditions.append(condition)
        values = "".join(f"a{place}, " for place in range(len(shape)))
        source = (
            f"def check(v, _):\n    {values}= v.values()\n"
            f"    return None if {' and '.join(f'({one})' for one in conditions)} else doubt\n"
        )
        exec(compile(source, f"<sound {definition.name}>", "exec"), names)  # noqa: S102 - made of places, not of what came
        made: Check = names["check"]
        return made

    def _condition(
        self, kind: str, keys: Keys, key: str, place: str, names: dict[str, Any]
    ) -> str | None:
        """Return the expression that says a value is sound; None for a key that may not be."""
        if key == "resourceType" and kind == "resource":
            return "True"
        known = keys.get(key)
        if known is not None and self._is_primitive(known[1]) and not known[0].is_array:
            quick = self._quick(*known, place, names)
            if quick is not None:
                return quick
        if known is not None and known[0].is_array and not self._is_primitive(known[1]):
            one = names[f"o{place}"] = self._value_check(*known)
            names[f"c{place}"] = members.array(one)
            return (
                f"type(a{place}) is list and "
                f"(o{place}(a{place}[0], v) if len(a{place}) == 1 else c{place}(a{place}, v))"
                " is None"
            )
        check = self._member_check(kind, keys, key)
        names[f"c{place}"] = check
        return None if check is None else f"c{place}(a{place}, v) is None"

    def _quick(
        self, element: Element, type_name: str, place: str, names: dict[str, Any]
    ) -> str | None:
        """Return the test of a primitive, without a call where there need be none."""
        if type_name not in TESTS:
            return None
        value, test = f"a{place}", f"t{place}"
        if type_name == "code" and element.binding is not None:
            if element.binding.value_set in OPEN_FORMS:
                return None
            codes = self._definitions.codes(element.binding.value_set)
            if element.binding.strength == "required" and codes:
                names[test] = codes
                return f"type({value}) is str and {value} in {test}"
        names[test] = PATTERNS.get(type_name, TESTS[type_name])
        if type_name in PATTERNS:
            return f"type({value}) is str and {test}({value}) is not None"
        if type_name in _TEXTS:
            plain = f"{value}.isprintable() and 0 < len({value}) <= {TEXT_MAX}"
            return f"type({value}) is str and ({plain} or {test}({value}))"
        return f"{test}({value})"

    def _reference_check(self, targets: tuple[str, ...]) -> Check:
        known = self._references.get(targets)
        if known is None:
            whole = super()._reference_check(targets)
            known = self._references[targets] = _quick_reference(
                whole, frozenset(targets) or self._resource_types
            )
        return known


def _quick_reference(whole: Check, allowed: frozenset[str]) -> Check:
    """Return the check of a Reference that mostly says type and id, and nothing else."""

    def check(value: Any, parent: Any) -> Found:
        if type(value) is dict and len(value) == 1:
            link = value.get("reference")
            if type(link) is str and is_plain_link(link, allowed):
                return None
        return whole(value, parent)

    return check


def _passed(value: Any, parent: Any) -> Found:
    return None


_HOLDS: Final[Callable[[Any, Any], Found]] = members.extension(_passed)  # looks at keys alone
