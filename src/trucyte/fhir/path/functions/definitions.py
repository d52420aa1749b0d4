"""Functions that ask for definitions: `conformsTo`, `slice`, `elementDefinition` (R4 2.9.1.4)."""

from collections.abc import Mapping
from typing import Final

from trucyte.fhir.path.code import Code, Compiler, Function, of_run, of_test, text
from trucyte.fhir.path.environment import Profiles, Scope
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import Items, single

_STRUCTURES: Final = "http://hl7.org/fhir/StructureDefinition/"


def _build_conforms_to(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, profile_of = before.run, compiler.code(call.arguments[0]).run

    def ask(items: Items, scope: Scope) -> bool | None:
        found, profile = focus(items, scope), text(profile_of(scope.this, scope))
        single(found)
        if not found or profile is None or found[0].__class__ is not Node:
            return None
        name = profile.partition("|")[0].removeprefix(_STRUCTURES)
        if name in compiler.model.definitions.types:
            return name in found[0].kind.ancestors
        profiles = scope.environment.profiles
        verdict = profiles.conforms(found[0], profile) if profiles else None
        if verdict is None and compiler.is_strict:
            raise PathEvaluation(reason="this profile is not known here")
        return verdict

    return of_test(ask)


def _build_slice(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    profile_of, name_of = (compiler.code(argument).run for argument in call.arguments)

    def run(items: Items, scope: Scope) -> Items:
        profile, name = text(profile_of(scope.this, scope)), text(name_of(scope.this, scope))
        if profile is None or name is None:
            raise PathEvaluation(reason="slice takes a profile and the name of a slice")
        profiles = _profiles(scope, "slice")
        found: Items = []
        for item in focus(items, scope):
            members = profiles.in_slice(item, profile, name) if item.__class__ is Node else []
            if members is None:
                raise PathEvaluation(reason="this profile or its slice is not known here")
            found += members
        scope.charge(len(found))
        return found

    return of_run(run)


def _build_element_definition(compiler: Compiler, call: Call, before: Code) -> Code:
    focus, model = before.run, compiler.model

    def run(items: Items, scope: Scope) -> Items:
        found: Items = []
        for item in focus(items, scope):
            if item.__class__ is not Node:
                continue
            definition = _profiles(scope, "elementDefinition").element_definition(item.kind.path)
            if definition is not None:
                found.append(model.element(definition, "ElementDefinition"))
        scope.charge(len(found))
        return found

    return of_run(run)


def _profiles(scope: Scope, name: str) -> Profiles:
    profiles = scope.environment.profiles
    if profiles is None:
        raise PathEvaluation(reason=f"{name} needs definitions, and none are given")
    return profiles


DEFINITIONS: Final[Mapping[str, Function]] = {
    "conformsTo": Function(1, 1, _build_conforms_to),
    "slice": Function(2, 2, _build_slice),
    "elementDefinition": Function(0, 0, _build_element_definition),
}
