"""R4's terminology operations from Parameters to Parameters, without HTTP.

Each function takes what was given and answers a resource; whoever serves them reads the
request with `read_given` or `read_query` and `KNOWN`, and turns a Problem into its status.
Sources: OperationDefinition CodeSystem-lookup, -validate-code, -subsumes, ValueSet-expand,
-validate-code and ConceptMap-translate of R4.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from trucyte.shared.terminology.answers import Expanded, Looked, Translated, Validated
from trucyte.shared.terminology.names import NOT_SELECTABLE
from trucyte.shared.terminology.operations.given import Given, ParameterRefused
from trucyte.shared.terminology.problems import CodeSystemUnknown, CodeUnknown
from trucyte.shared.terminology.service import Terminology
from trucyte.shared.terminology.system import property_values

Json = Mapping[str, Any]
Resource = dict[str, Any]
_OWN_LANGUAGE: Final = "vi"  # of displays

_CODE: Final = {
    "code": "text", "system": "text", "version": "text", "coding": "coding", "date": "date",
    "displayLanguage": "text",
}  # fmt: skip
_CHECKED: Final = {
    **_CODE, "url": "text", "display": "text", "codeableConcept": "concept",
    "abstract": "boolean",
}  # fmt: skip
KNOWN: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("CodeSystem", "lookup"): {**_CODE, "property": "texts"},
    ("CodeSystem", "validate-code"): {
        **{name: kind for name, kind in _CHECKED.items() if name != "system"}, "codeSystem": "no",
    },
    ("CodeSystem", "subsumes"): {
        "codeA": "text", "codeB": "text", "system": "text", "version": "text",
        "codingA": "coding", "codingB": "coding",
    },
    ("ValueSet", "validate-code"): {
        **{name: kind for name, kind in _CHECKED.items() if name != "version"},
        "valueSet": "resource", "valueSetVersion": "text", "systemVersion": "text",
        "context": "no",
    },
    ("ValueSet", "expand"): {
        "url": "text", "valueSet": "resource", "valueSetVersion": "text", "filter": "text",
        "date": "date", "offset": "integer", "count": "integer",
        "includeDesignations": "boolean", "designation": "texts", "activeOnly": "boolean",
        "excludeNested": "boolean", "excludeNotForUI": "boolean",
        "excludePostCoordinated": "boolean", "includeDefinition": "boolean",
        "displayLanguage": "text", "context": "no", "contextDirection": "no",
        "exclude-system": "no", "system-version": "no", "check-system-version": "no",
        "force-system-version": "no",
    },
    ("ConceptMap", "translate"): {
        "url": "text", "conceptMap": "resource", "conceptMapVersion": "text", "code": "text",
        "system": "text", "version": "text", "coding": "coding", "codeableConcept": "concept",
        "source": "text", "target": "text", "targetsystem": "text", "reverse": "boolean",
        "dependency": "no",
    },
}  # fmt: skip


# CodeSystem


def lookup(terminology: Terminology, given: Given) -> Resource:
    """Answer CodeSystem $lookup. Raises CodeSystemUnknown, CodeUnknown, ParameterRefused."""
    coding = _coding(given)
    system = _canonical(_needed(coding, "system"), _said(coding, "version"))
    found = terminology.lookup(system, _needed(coding, "code"), given.day("date"))
    return _looked(found, given)


def _looked(found: Looked, given: Given) -> Resource:
    wanted = set(given.texts("property"))
    display = _worded(found.concept.more, found.concept.display, given.text("displayLanguage"))
    resource = replace(found, display=display).resource()
    if wanted:
        resource["parameter"] = [p for p in resource["parameter"] if _is_wanted(p, wanted)]
    return resource


def _is_wanted(parameter: Json, wanted: set[str]) -> bool:
    if parameter["name"] == "designation":
        return "designation" in wanted
    return parameter["name"] != "property" or parameter["part"][0]["valueCode"] in wanted


def subsumes(terminology: Terminology, given: Given) -> Resource:
    """Answer CodeSystem $subsumes. Raises CodeSystemUnknown, CodeUnknown, ParameterRefused."""
    codings = [
        given.json(f"coding{side}")
        or {
            "system": given.text("system"), "code": given.text(f"code{side}"),
            "version": given.text("version"),
        }
        for side in "AB"
    ]  # fmt: skip
    systems = {_canonical(_needed(one, "system"), _said(one, "version")) for one in codings}
    if len(systems) != 1:
        raise ParameterRefused(name="codingB", reason="of another code system than codingA")
    a, b = (_needed(one, "code") for one in codings)
    return terminology.subsumes(systems.pop(), a, b).resource()


def validate_in_system(terminology: Terminology, given: Given) -> Resource:
    """Answer CodeSystem $validate-code. Raises CodeSystemUnknown, ParameterRefused."""

    def check(coding: Json) -> Validated:
        url = given.text("url") or _said(coding, "system")
        if not url:
            raise ParameterRefused(name="url", reason="it says which code system")
        if _said(coding, "system") not in ("", url):
            return Validated(False, "The coding is of another code system")
        target = _canonical(url, given.text("version") or _said(coding, "version"))
        if not terminology.has_system(target):
            raise CodeSystemUnknown(system=url)
        code, display = _needed(coding, "code"), _said(coding, "display") or None
        return terminology.validate_code(target, code, display, given.day("date"))

    return _validated(terminology, given, check)


# ValueSet


def validate_in_value_set(terminology: Terminology, given: Given) -> Resource:
    """Answer ValueSet $validate-code. Raises ValueSetUnknown, ParameterRefused."""
    value_set = _value_set(given)

    def check(coding: Json) -> Validated:
        code, display = _needed(coding, "code"), _said(coding, "display") or None
        system = _said(coding, "system") or None
        return terminology.validate_code(value_set, code, display, given.day("date"), system=system)

    return _validated(terminology, given, check)


def _validated(
    terminology: Terminology, given: Given, check: Callable[[Json], Validated]
) -> Resource:
    """Check each coding: one that is right is enough (R4, codeableConcept)."""
    answer = Validated(False, "There is no coding")
    for coding in _codings(given):
        answer = check(coding)
        if answer.result:
            answer = _with_concept(terminology, given, coding, answer)
        if answer.result:
            break
    return answer.resource()


def _with_concept(
    terminology: Terminology, given: Given, coding: Json, answer: Validated
) -> Validated:
    """Look at the concept: its words in the language asked, and whether it is abstract."""
    language, is_strict = given.text("displayLanguage"), given.flag("abstract") is False
    system = _said(coding, "system") or given.text("url")
    if not language and not is_strict:
        return answer
    try:
        concept = terminology.lookup(system, _said(coding, "code"), given.day("date")).concept
    except (CodeSystemUnknown, CodeUnknown):
        return answer  # a value set may list codes of a system that is not here
    if is_strict and True in property_values(concept, NOT_SELECTABLE):
        return Validated(False, "The code is abstract", answer.display)
    return replace(answer, display=_worded(concept.more, answer.display, language))


def expand(terminology: Terminology, given: Given) -> Resource:
    """Answer ValueSet $expand.

    Flat unless excludeNested is false and no page is asked for (R4: a hierarchy is not
    paged). Designations are there where they are asked for. Raises what
    `Terminology.expand` raises, ParameterRefused.
    """
    offset, count = given.number("offset"), given.number("count")
    found = terminology.expand(
        _value_set(given),
        given.text("filter") or None,
        offset,
        count,
        given.day("date"),
        hierarchy=given.flag("excludeNested") is False and offset is None and count is None,
        active_only=bool(given.flag("activeOnly")),
        selectable_only=bool(given.flag("excludeNotForUI")),
    )
    return _expanded(found, given)


def _expanded(found: Expanded, given: Given) -> Resource:
    resource = found.resource()
    language, words = given.text("displayLanguage"), given.texts("designation")
    has_words = given.flag("includeDesignations") or bool(words)
    expansion = resource["expansion"]
    for contained in _all_contained(expansion.get("contains", ())):
        contained_words = {"designation": contained.get("designation", ())}
        display = _worded(contained_words, contained.get("display", ""), language)
        if display:
            contained["display"] = display
        kept = [w for w in contained.pop("designation", ()) if _is_designated(w, words)]
        if has_words and kept:
            contained["designation"] = kept
    if language:
        expansion["parameter"].append({"name": "displayLanguage", "valueCode": language})
    if has_words:
        expansion["parameter"].append({"name": "includeDesignations", "valueBoolean": True})
    return resource


def _all_contained(contains: Any) -> Iterator[dict[str, Any]]:
    waiting = list(contains)
    while waiting:
        contained = waiting.pop()
        waiting += contained.get("contains", ())
        yield contained


def _is_designated(word: Json, wanted: Any) -> bool:
    """Say whether a designation is one asked for: a language, or a use as system|code."""
    use = word.get("use", {})
    names = {
        word.get("language", ""), f"urn:ietf:bcp:47|{word.get('language', '')}",
        f"{use.get('system', '')}|{use.get('code', '')}",
    }  # fmt: skip
    return not wanted or not names.isdisjoint(wanted)


# ConceptMap


def translate(terminology: Terminology, given: Given) -> Resource:
    """Answer ConceptMap $translate; without a map, by the first that says something.

    Raises ConceptMapUnknown, ParameterRefused.
    """
    url = given.text("url")
    concept_map: str | Json | None = given.json("conceptMap")
    if concept_map is None:
        concept_map = _canonical(url, given.text("conceptMapVersion")) if url else None
    answer = Translated(url, (), "There is no coding")
    for coding in _codings(given):
        answer = terminology.translate(
            concept_map,
            _said(coding, "system"),
            _needed(coding, "code"),
            reverse=bool(given.flag("reverse")),
            target_system=given.text("targetsystem"),
            source=given.text("source"),
            target=given.text("target"),
        )
        if answer.result:
            break
    return answer.resource()


ANSWERS: Final[Mapping[tuple[str, str], Callable[[Terminology, Given], Resource]]] = {
    ("CodeSystem", "lookup"): lookup,
    ("CodeSystem", "validate-code"): validate_in_system,
    ("CodeSystem", "subsumes"): subsumes,
    ("ValueSet", "validate-code"): validate_in_value_set,
    ("ValueSet", "expand"): expand,
    ("ConceptMap", "translate"): translate,
}


# What was given


def _codings(given: Given) -> list[Json]:
    concept = given.json("codeableConcept")
    if concept is None:
        return [_coding(given)]
    codings = concept.get("coding", ())
    return [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []


def _coding(given: Given) -> Json:
    coding = given.json("coding")
    if coding is not None:
        return coding
    return {
        "system": given.text("system"), "code": given.text("code"),
        "version": given.text("version") or given.text("systemVersion"),
        "display": given.text("display"),
    }  # fmt: skip


def _value_set(given: Given) -> str | Json:
    resource = given.json("valueSet")
    if resource is not None:
        return resource
    url = given.text("url")
    if not url:
        raise ParameterRefused(name="url", reason="it says which value set")
    return _canonical(url, given.text("valueSetVersion"))


def _canonical(url: str, version: str) -> str:
    return f"{url}|{version}" if version and "|" not in url else url


def _said(coding: Json, name: str) -> str:
    value = coding.get(name, "")
    if not isinstance(value, str):
        raise ParameterRefused(name=name, reason="not one text")
    return value


def _needed(coding: Json, name: str) -> str:
    value = _said(coding, name)
    if not value:
        raise ParameterRefused(name=name, reason="it is needed")
    return value


def _worded(more: Json, display: str, language: str) -> str:
    """Return the display in a language, the display itself where there is none of it."""
    wanted = language.lower().split("-")[0]
    if not wanted or wanted == _OWN_LANGUAGE:
        return display
    words = (w for w in more.get("designation", ()) if w.get("value"))
    return next(
        (str(w["value"]) for w in words if w.get("language", "").lower().startswith(wanted)),
        display,
    )
