"""The parts of dates and times, and the clock."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trucyte.fhir.path import moment
from trucyte.fhir.path.code import Code, Compiler, Function, of_run, scalar, temporal
from trucyte.fhir.path.environment import Scope
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.problems import PathEvaluation
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import Items


def _part(place: int, *, of_time: bool) -> Callable[[Moment], Any]:
    """Read a part of a moment; nothing where it is not known."""

    def read(value: Moment) -> Any:
        at = place
        if value.type == moment.TIME:
            if not of_time:
                raise PathEvaluation(reason="a Time has no date")
            at -= 3
        return value.parts[at] if at < len(value.parts) else None

    return read


def _second(value: Moment) -> int | None:
    second = _part(5, of_time=True)(value)
    return None if second is None else int(second)


def _millisecond(value: Moment) -> int | None:
    second = _part(5, of_time=True)(value)
    if second is None or "." not in str(second):
        return None
    return int((second - int(second)) * 1000)


def _date(value: Moment) -> Moment | None:
    return None if value.type == moment.TIME else Moment(moment.DATE, value.parts[:3])


def _time(value: Moment) -> Moment | None:
    parts = value.parts if value.type == moment.TIME else value.parts[3:]
    return Moment(moment.TIME, parts) if parts else None


def _zone(value: Moment) -> Any:
    return None if value.zone is None else moment.zone_hours(value.zone)


def _clock(type: str) -> Function:
    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        def run(items: Items, scope: Scope) -> Items:
            now = scope.environment.now
            if now is None:
                raise PathEvaluation(reason="there is no clock here")
            return [moment.of(now, type)]

        return of_run(run)

    return Function(0, 0, build)


MOMENTS: Final[Mapping[str, Function]] = {
    "now": _clock(moment.DATE_TIME),
    "today": _clock(moment.DATE),
    "timeOfDay": _clock(moment.TIME),
    "yearOf": scalar(_part(0, of_time=False), temporal),
    "monthOf": scalar(_part(1, of_time=False), temporal),
    "dayOf": scalar(_part(2, of_time=False), temporal),
    "hourOf": scalar(_part(3, of_time=True), temporal),
    "minuteOf": scalar(_part(4, of_time=True), temporal),
    "secondOf": scalar(_second, temporal),
    "millisecondOf": scalar(_millisecond, temporal),
    "timezoneOffsetOf": scalar(_zone, temporal),
    "dateOf": scalar(_date, temporal),
    "timeOf": scalar(_time, temporal),
}
