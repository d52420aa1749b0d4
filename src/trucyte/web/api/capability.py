"""The CapabilityStatement, generated from what is really there (R4 §5.2).

Nothing is listed because it is planned: interactions are rows of the table of routes,
operations rows of theirs, search parameters those the index holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from trucyte.base.clock import Clock
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.records.parameters.plan import Vocabulary
from trucyte.shared.terminology.operations.answer import KNOWN
from trucyte.web.api.operations.table import Level, Operation, OperationTable
from trucyte.web.api.routes import Place, Row

_SYSTEM_CODES = frozenset({"transaction", "batch", "search-system", "history-system"})
_TERMINOLOGY = frozenset({"expand", "lookup", "validate-code", "translate", "subsumes"})
_TEXT_FILTER = "Every word is found in a code or its display, with or without Vietnamese marks."
# What each type has without a parameter of its own in the index (R4 §3.1.1.2).
_COMMON = (
    ("_id", "token", "http://hl7.org/fhir/SearchParameter/Resource-id"),
    ("_lastUpdated", "date", "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated"),
)

# How a server of R4 lists its topics (Subscriptions backport IG 1.1).
_TOPIC = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
    "capabilitystatement-subscriptiontopic-canonical"
)


# From the base of the API: how it is asked for tokens.
Security = Callable[[str], Mapping[str, Any]]


def nothing_asked(base: str) -> Mapping[str, Any]:
    """Say nothing of tokens: this API is given none."""
    return {}


@dataclass(frozen=True, slots=True)
class SearchParam:
    """One parameter of a type."""

    code: str
    type: str
    definition: str  # canonical
    documentation: str = ""  # what it reads, where no standard says so


@dataclass(frozen=True, slots=True)
class Searchable:
    """What searches can ask; a new value whenever that changes."""

    parameters: Mapping[str, Sequence[SearchParam]]  # by resource type
    includes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # "Observation:subject"
    reverse_includes: Mapping[str, Sequence[str]] = field(default_factory=dict)


class InForce:
    """What the index can be asked now; made anew when users' parameters change."""

    def __init__(self, definitions: Definitions, words: Callable[[], Vocabulary]) -> None:
        """Describe what `words` returns; R4 defines all but what users posted."""
        self._definitions = definitions
        self._words = words
        self._kept: tuple[int, Searchable] | None = None

    def __call__(self) -> Searchable:
        """Return the same value until something else is in force."""
        words, kept = self._words(), self._kept
        if kept is not None and kept[0] == words.plan.stamp:
            return kept[1]
        made = searchable(self._definitions, words)
        self._kept = (words.plan.stamp, made)
        return made


def searchable(definitions: Definitions, words: Vocabulary) -> Searchable:
    """Return what the index can be asked."""
    found: dict[str, Sequence[SearchParam]] = {}
    includes: dict[str, list[str]] = {}
    reverse: dict[str, list[str]] = {}
    for type_name in RESOURCE_TYPES:
        for one in words.parameters(type_name):
            if one.type == "reference":
                name = f"{type_name}:{one.code}"
                includes.setdefault(type_name, ["*"]).append(name)
                for target in one.targets:
                    reverse.setdefault(target, []).append(name)
        defined = definitions.search_parameters(type_name)
        custom = words.custom_of(type_name)
        known = words.parameters(type_name)
        own = [defined[one.code] for one in known if not one.is_custom]
        users = [custom[one.code] for one in known if one.is_custom]
        found[type_name] = [
            *(SearchParam(*common) for common in _COMMON),
            *(SearchParam(one.code, one.type, one.url) for one in own),
            *(
                SearchParam(one.code, one.type, one.url, one.expressions[type_name])
                for one in users
            ),
        ]
    return Searchable(found, includes, reverse)


class Capabilities:
    """Makes the statements, each once for every address it is asked at."""

    def __init__(
        self,
        rows: Iterable[Row],
        operations: OperationTable,
        searchable: Callable[[], Searchable],
        *,
        version: str,
        clock: Clock,
        systems: Callable[[], Mapping[str, Sequence[str]]] = dict,
        topics: Sequence[str] = (),
        instantiates: Sequence[str] = (),
        security: Security = nothing_asked,
    ) -> None:
        """Describe these rows and operations.

        `systems` are code systems and their versions, `topics` canonicals to subscribe to,
        `instantiates` statements of others that this node meets,
        `security` what is said of tokens.
        """
        self._instantiates = list(instantiates)
        self._security = security
        self._systems = systems
        self._topics = tuple(topics)
        self._rows = tuple(rows)
        self._operations = operations
        self._searchable = searchable
        self._version = version
        self._at = clock.now()
        self._kept: tuple[Searchable, str, Mapping[str, Any], bytes] | None = None

    def statement(self, base: str) -> bytes:
        """Return the CapabilityStatement as JSON."""
        searchable, security, kept = self._searchable(), self._security(base), self._kept
        if kept is not None and kept[0] is searchable and kept[1:3] == (base, security):
            return kept[3]
        body = orjson.dumps(self._statement(base, searchable, security))
        self._kept = (searchable, base, security, body)
        return body

    def terminology(self, base: str) -> bytes | None:
        """Return the TerminologyCapabilities; None where no such operation is there."""
        names = {row.name for row in self._operations.rows} & _TERMINOLOGY
        if not names:
            return None
        statement: dict[str, Any] = {
            "resourceType": "TerminologyCapabilities",
            **self._head(base),
        }
        systems = self._systems()
        if systems:
            statement["codeSystem"] = [
                _code_system(url, versions, has_subsumption="subsumes" in names)
                for url, versions in systems.items()
            ]
        if "expand" in names:
            known = KNOWN["ValueSet", "expand"]
            statement["expansion"] = {
                "hierarchical": True,
                "paging": True,
                "incomplete": False,
                "parameter": [{"name": name} for name, kind in known.items() if kind != "no"],
                "textFilter": _TEXT_FILTER,
            }
        if "validate-code" in names:
            statement["validateCode"] = {"translations": False}
        if "translate" in names:
            statement["translation"] = {"needsMap": False}
        return orjson.dumps(statement)

    def _head(self, base: str) -> dict[str, Any]:
        return {
            "status": "active",
            "date": self._at.isoformat(timespec="seconds"),
            "kind": "instance",
            "software": {"name": "Trucyte", "version": self._version},
            "implementation": {"description": "Trục y tế: một nút / a node", "url": base},
        }

    def _statement(
        self, base: str, searchable: Searchable, security: Mapping[str, Any]
    ) -> dict[str, Any]:
        codes = _codes(self._rows)
        statement: dict[str, Any] = {
            "resourceType": "CapabilityStatement",
            **self._head(base),
            **({"instantiates": self._instantiates} if self._instantiates else {}),
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        }
        if "patch" in codes:
            statement["patchFormat"] = [
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/fhir+json",
                "application/fhir+xml",
            ]
        rest = {
            "mode": "server",
            "documentation": self._documentation(),
            "security": security,
            "resource": [
                self._resource(type_name, codes, searchable)
                for type_name in sorted(searchable.parameters)
            ],
            "interaction": [{"code": code} for code in codes if code in _SYSTEM_CODES],
            "operation": _operations(self._operations.at(Level.SYSTEM)),
        }
        statement["rest"] = [{key: value for key, value in rest.items() if value}]
        return statement

    def _documentation(self) -> str:
        """Return what is particular to this node, and to operations that every type has."""
        notes = {
            row.name: row.documentation
            for row in self._operations.rows
            if row.documentation and row.types is None and Level.SYSTEM not in row.levels
        }
        first = "This machine only, until access control has landed."
        return "\n\n".join([first, *(f"${name}: {note}" for name, note in notes.items())])

    def _resource(
        self, type_name: str, codes: Sequence[str], searchable: Searchable
    ) -> dict[str, Any]:
        flags = {flag for row in self._rows for flag in row.flags}
        here = (*self._operations.at(Level.TYPE, type_name),)
        here += tuple(
            row for row in self._operations.at(Level.INSTANCE, type_name) if row not in here
        )
        shown: dict[str, Any] = {
            "type": type_name,
            "profile": f"http://hl7.org/fhir/StructureDefinition/{type_name}",
            "interaction": [{"code": code} for code in codes if code not in _SYSTEM_CODES],
            "versioning": "versioned-update" if "update" in codes else "versioned",
            "readHistory": True,
            "updateCreate": "update" in codes,
            "conditionalCreate": "conditionalCreate" in flags,
            "conditionalRead": "full-support",
            "conditionalUpdate": "conditionalUpdate" in flags,
            "conditionalDelete": "single" if "conditionalDelete" in flags else "not-supported",
            "searchInclude": list(searchable.includes.get(type_name, ())),
            "searchRevInclude": list(searchable.reverse_includes.get(type_name, ())),
            "searchParam": [_parameter(one) for one in searchable.parameters.get(type_name, ())],
            "operation": _operations(here, is_of_type=True),
        }
        if type_name == "Subscription":
            shown["extension"] = [{"url": _TOPIC, "valueUri": one} for one in self._topics]
        return {key: value for key, value in shown.items() if value not in ([], None)}


def _parameter(one: SearchParam) -> dict[str, str]:
    """Return a parameter; of what its definition says nothing is said again."""
    shown = {"name": one.code, "definition": one.definition, "type": one.type}
    return {**shown, "documentation": one.documentation} if one.documentation else shown


def _code_system(url: str, versions: Sequence[str], *, has_subsumption: bool) -> dict[str, Any]:
    listed = [
        {**({"code": version} if version else {}), "isDefault": place == 0}
        for place, version in enumerate(dict.fromkeys(versions))
    ]
    return {"uri": url, "version": listed, "subsumption": has_subsumption}


def _codes(rows: Sequence[Row]) -> Sequence[str]:
    """Return the interactions of the rows, each once, in their order."""
    return tuple(dict.fromkeys(row.code for row in rows if row.code))


def _operations(rows: Sequence[Operation], *, is_of_type: bool = False) -> list[dict[str, str]]:
    """Return operations; what is said of one that every type has is said once, above."""
    shown = []
    for row in rows:
        entry = {"name": row.name, "definition": row.definition}
        if row.documentation and not (is_of_type and row.types is None):
            entry["documentation"] = row.documentation
        shown.append(entry)
    return shown


def places_of(rows: Iterable[Row], code: str) -> Sequence[Place]:
    """Return the places at which an interaction of the statement is answered."""
    return [row.place for row in rows if row.code == code]
