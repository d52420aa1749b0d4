"""Invariants that are FHIRPath, evaluated where they stand."""

from datetime import datetime
from typing import Any

from trucyte.fhir.path.environment import Environment, Profiles, Terminology
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.path import Path, Paths
from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.profiles.invariants.check import Holds
from trucyte.fhir.profiles.scope import Scope, TooCostly

# One rule may look at so many elements; a resource of 4 MB needs a tenth of it.
_WORK_MAX = 3_000_000
_CHARGE = 5


class PathEvaluator:
    """Compiles rules to closures; `profiles` answers `conformsTo()`."""

    def __init__(
        self,
        paths: Paths,
        terminology: Terminology | None = None,
        *,
        profiles: Profiles | None = None,
        now: datetime | None = None,
    ) -> None:
        """Keep what stands around every evaluation."""
        self._paths = paths
        self._model = paths.model
        self._terminology = terminology
        self.profiles = profiles
        self._now = now

    def rule(self, expression: str, type_name: str) -> Holds | None:
        """Return what says whether the rule holds; None where the expression is none."""
        try:
            path = self._paths.compile(expression, is_strict=False)
        except PathProblem:
            return lambda value, extra, scope: None
        return self._holds(path, type_name)

    def _holds(self, path: Path, type_name: str) -> Holds:
        def holds(value: Any, extra: Any, scope: Scope) -> bool | None:
            scope.run.charge(_CHARGE)
            environment = scope.environment
            if environment is None:
                environment = scope.environment = self._environment(scope)
            node = self._node(value, extra, type_name, scope)
            try:
                # A rule that gives nothing says nothing against the resource.
                return path.holds(node, environment) is not False
            except RecursionError:
                raise TooCostly from None
            except PathProblem:
                return None
            except (AttributeError, KeyError, TypeError, ValueError):
                if scope.run.is_sound:
                    raise
                return None  # a text where R4 has an object, which structure has said

        return holds

    def _node(self, value: Any, extra: Any, type_name: str, scope: Scope) -> Node:
        around: Node = scope.environment.resource
        if value is scope.resource:
            return around
        if type(value) is dict and "resourceType" in value:
            return self._model.resource(value, around)
        return self._model.element(value, type_name, extra, around)

    def _environment(self, scope: Scope) -> Environment:
        container = self._model.resource(scope.container)
        is_own = scope.container is scope.resource
        resource = container if is_own else self._model.resource(scope.resource, container)
        return Environment(
            resource=resource,
            root_resource=container,
            resolver=scope,
            terminology=self._terminology,
            profiles=self.profiles,
            now=self._now,
            work_max=_WORK_MAX,
        )
