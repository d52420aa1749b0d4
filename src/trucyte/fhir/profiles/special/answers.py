"""QuestionnaireResponse against its Questionnaire (R4 QuestionnaireResponse notes).

Questions that are asked, their number and order, the types and options of answers. A
response that is still being filled in may lack answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.profiles import rules
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.enabled import given_answers, is_enabled
from trucyte.fhir.profiles.special.walk import objects, texts
from trucyte.fhir.profiles.values import exact, fits
from trucyte.fhir.validation.fault import Found, fault, joined

_UNFINISHED = frozenset({"in-progress", "stopped", "entered-in-error"})
_NESTED_MAX = 40
_TYPES = {
    "boolean": ("Boolean",),
    "decimal": ("Decimal", "Integer"),
    "integer": ("Integer",),
    "date": ("Date",),
    "dateTime": ("DateTime", "Date"),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri",),
    "choice": ("Coding", "Integer", "Date", "Time", "String", "Reference"),
    "open-choice": ("Coding", "String", "Integer", "Date", "Time", "Reference"),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}


def questionnaire_response_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """Check a response if its questionnaire is contained, in the bundle, or given."""
    canonical = texts(resource, "questionnaire")
    if not canonical:
        return None
    form = _form(canonical, scope, library)
    if form is None:
        return fault(rules.QUESTIONNAIRE_UNKNOWN, ".questionnaire")
    check = _Answers(resource, form, library, scope, terminology)
    return check.items(resource, form, "", 0)


def _form(canonical: str, scope: Scope, library: Library) -> Mapping[str, Any] | None:
    if canonical.startswith("#"):
        found: Mapping[str, Any] | None = scope.resolve(canonical)
    else:
        found = library.find(canonical, "Questionnaire") or scope.resolve(canonical)
    return found if found is not None and found.get("resourceType") == "Questionnaire" else None


class _Answers:
    """One response and its form."""

    def __init__(
        self,
        response: Mapping[str, Any],
        form: Mapping[str, Any],
        library: Library,
        scope: Scope,
        terminology: Terminology,
    ) -> None:
        self._library = library
        self._scope = scope
        self._terminology = terminology
        self._form = form
        self._is_finished = texts(response, "status") not in _UNFINISHED
        self._given: dict[str, list[Any]] = {}
        self._collect(response, 0)

    def _collect(self, holder: Mapping[str, Any], depth: int) -> None:
        """Gather the answers by linkId; a question may depend on any of them."""
        if depth > _NESTED_MAX:
            return
        for _, item in objects(holder, "item"):
            mine = self._given.setdefault(texts(item, "linkId"), [])
            mine += [value for _, _, value in given_answers(item)]
            self._collect(item, depth + 1)
            for _, answer in objects(item, "answer"):
                self._collect(answer, depth + 1)

    def items(
        self, holder: Mapping[str, Any], form: Mapping[str, Any], path: str, depth: int
    ) -> Found:
        """Check the items below one item, answer or the response itself."""
        if depth > _NESTED_MAX:
            return None
        questions = {texts(q, "linkId"): q for _, q in objects(form, "item")}
        order = {name: number for number, name in enumerate(questions)}
        found: Found = None
        last, counts = -1, dict.fromkeys(questions, 0)
        for step, item in objects(holder, "item"):
            self._scope.run.charge(1)
            name = texts(item, "linkId")
            question = questions.get(name)
            if question is None:
                found = joined(found, fault(rules.ANSWER_LINK_ID), path + step)
                continue
            if order[name] < last:
                found = joined(found, fault(rules.ANSWER_ORDER), path + step)
            last, counts[name] = max(last, order[name]), counts[name] + 1
            more = self._item(item, question, depth)
            if more is not None:
                found = joined(found, more, path + step)
        for name, question in questions.items():
            more = self._number(question, counts[name])
            if more is not None:
                found = joined(found, more, path)
        return found

    def _number(self, question: Mapping[str, Any], count: int) -> Found:
        self._scope.run.charge(1 + sum(len(self._given.get(q, ())) for q in _asked(question)))
        is_asked = is_enabled(question, self._given)
        name = texts(question, "linkId")
        if count == 0 and question.get("required") is True and is_asked and self._is_finished:
            return fault(rules.ANSWER_MISSING, question=name)
        is_group = question.get("type") == "group"
        if count > 1 and not (is_group and question.get("repeats") is True):
            return fault(rules.ANSWER_TOO_MANY, question=name, count=count)
        return None

    def _item(self, item: Mapping[str, Any], question: Mapping[str, Any], depth: int) -> Found:
        found: Found = None
        answers = list(given_answers(item))
        name, kind = texts(question, "linkId"), texts(question, "type")
        if answers and not is_enabled(question, self._given):
            found = fault(rules.ANSWER_DISABLED, question=name)
        if kind in ("group", "display"):
            if answers:
                found = joined(found, fault(rules.ANSWER_TYPE, type=kind), ".answer[0]")
        else:
            found = _merged(found, self._question(item, question, answers))
        found = _merged(found, self.items(item, question, "", depth + 1))
        for step, answer in objects(item, "answer"):
            found = _merged(found, self._nested(answer, question, step, depth))
        return found

    def _nested(
        self, answer: Mapping[str, Any], question: Mapping[str, Any], step: str, depth: int
    ) -> Found:
        return self.items(answer, question, step, depth + 1) if "item" in answer else None

    def _question(
        self,
        item: Mapping[str, Any],
        question: Mapping[str, Any],
        answers: Sequence[tuple[str, str, Any]],
    ) -> Found:
        name, kind = texts(question, "linkId"), texts(question, "type")
        found: Found = None
        is_due = question.get("required") is True and self._is_finished
        if not answers and is_due and is_enabled(question, self._given):
            found = fault(rules.ANSWER_MISSING, question=name)
        if len(answers) > 1 and question.get("repeats") is not True:
            found = joined(
                found, fault(rules.ANSWER_TOO_MANY, question=name, count=len(answers)), ""
            )
        for step, suffix, value in answers:
            more = self._answer(question, kind, suffix, value)
            if more is not None:
                found = joined(found, more, step)
        return found

    def _answer(self, question: Mapping[str, Any], kind: str, suffix: str, value: Any) -> Found:
        if suffix not in _TYPES.get(kind, (suffix,)):
            return fault(rules.ANSWER_TYPE, type=kind)
        limit = question.get("maxLength")
        if type(limit) is int and type(value) is str and len(value) > limit:
            return fault(rules.ANSWER_TOO_LONG, limit=limit)
        if kind == "open-choice" and suffix == "String":
            return None
        return self._option(question, value)

    # --- options ------------------------------------------------------------------------

    def _option(self, question: Mapping[str, Any], value: Any) -> Found:
        options = [exact(one) for one in _options(question)]
        if options and not any(_is_chosen(value, option) for option in options):
            return fault(rules.ANSWER_OPTION)
        url = texts(question, "answerValueSet")
        is_coded = isinstance(value, dict) and type(value.get("code")) is str
        if url and is_coded and self._is_member(url, value) is False:
            return fault(rules.ANSWER_OPTION)
        return None

    def _is_member(self, url: str, coding: Mapping[str, Any]) -> bool | None:
        if not url.startswith("#"):
            return self._terminology.member_of(url, texts(coding, "system"), coding["code"])
        for _, one in objects(self._form, "contained"):
            if one.get("id") == url[1:]:
                return _listed(one, texts(coding, "system"), coding["code"])
        return None


def _asked(question: Mapping[str, Any]) -> list[str]:
    """Return the questions that one depends on."""
    return [texts(one, "question") for _, one in objects(question, "enableWhen")]


def _options(question: Mapping[str, Any]) -> Iterator[Any]:
    for _, option in objects(question, "answerOption"):
        for key, value in option.items():
            if key.startswith("value"):
                yield value


def _is_chosen(value: Any, option: Any) -> bool:
    if isinstance(option, dict) and "code" in option:
        return fits(value, {k: option[k] for k in ("system", "code") if k in option})
    return fits(value, option)


def _listed(value_set: Mapping[str, Any], system: str, code: str) -> bool | None:
    """Look a code up in a contained value set; None where it does not list its codes."""
    for _, part in objects(value_set.get("compose"), "include"):
        if "concept" not in part or "valueSet" in part:
            return None
        if texts(part, "system") == system:
            return any(texts(one, "code") == code for _, one in objects(part, "concept"))
    return False if "compose" in value_set else None


def _merged(found: Found, more: Found) -> Found:
    return found if more is None else joined(found, more, "")
