"""Received files: what came, what was wrong, how to mend it, and the files themselves."""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from trucyte.base.problem import Kind, Problem
from trucyte.intake.claims.rules.report import write_findings
from trucyte.intake.receipts import ReceivedFile, ReceivedVisit
from trucyte.web.handlers import errors
from trucyte.web.render import Call
from trucyte.web.views import received as view

FILES_A_PAGE = 50
VISITS_READ = 500  # with findings, to find examples in
PLACES_A_PAGE = 100
CHUNK_BYTES = 1 << 16
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class NotReceived(Problem):
    """This file is not here."""

    kind = Kind.NOT_FOUND
    code = "file-not-received"


def listing(call: Call) -> Response:
    """Show received files, newest first."""
    before = call.request.query_params.get("before", "")
    files = call.services.receipts.files(
        before=int(before) if before.isdecimal() and len(before) < 18 else None,
        count=FILES_A_PAGE + 1,
    )
    return call.page(
        "files.html",
        files=[(file, view.file_state(file)) for file in files[:FILES_A_PAGE]],
        next=files[FILES_A_PAGE - 1].number if len(files) > FILES_A_PAGE else None,
        is_first=not before,
        doors=view.DOORS,
    )


def one(call: Call) -> Response:
    """Show one file: counts, findings by rule, what lies in quarantine."""
    file = _file(call)
    receipts, sees = call.services.receipts, _sees_restricted(call)
    groups = view.groups_of(
        receipts.findings_by_rule(file.number, with_restricted=sees),
        receipts.visits(file.number, count=VISITS_READ, with_findings_only=True),
        call.services.rules,
        call.language,
        sees_restricted=sees,
    )
    quarantined = [one for one in receipts.quarantined() if one.source == file.number]
    return call.page(
        "file.html",
        **_progress_facts(file),
        groups=[group for group in groups if not group.is_unchecked],
        unchecked=[group for group in groups if group.is_unchecked],
        severities=view.SEVERITIES,
        quarantined=[(one, *view.reason_words(one.reason)) for one in quarantined],
        visits=[
            (visit, view.to_mend(visit))
            for visit in receipts.visits(file.number, count=PLACES_A_PAGE)
        ],
        outcomes=view.OUTCOMES,
        doors=view.DOORS,
    )


def progress(call: Call) -> Response:
    """Show how far the reading of a file is: the part that renews itself."""
    facts = _progress_facts(_file(call))
    response = call.page("parts/progress.html", **facts)
    if call.is_part and not facts["is_moving"]:
        response.headers["HX-Refresh"] = "true"
    return response


def rule_in_file(call: Call) -> Response:
    """Show every place in a file where one rule was met, page by page."""
    file = _file(call)
    rule = call.request.path_params["rule"]
    after = call.request.query_params.get("after", "")
    places, last = _places(call, file, rule, int(after) if after.isdecimal() else 0)
    if not places and not after and rule not in call.services.rules:
        raise NotReceived
    return call.page(
        "file_rule.html", file=file, rule=rule, places=places, next=last, severities=view.SEVERITIES
    )


def visit_in_file(call: Call) -> Response:
    """Show one visit of a file: what became of it and its findings, row by row."""
    file = _file(call)
    ordinal = int(call.request.path_params["ordinal"])
    found = call.services.receipts.visits(file.number, after=ordinal - 1, count=1)
    if not found or found[0].ordinal != ordinal:
        raise NotReceived
    visit = found[0]
    is_closed = visit.is_restricted and not _sees_restricted(call)
    findings = [] if is_closed else visit.findings
    unchecked = [finding for finding in findings if view.is_unchecked(finding)]
    asked = [finding for finding in findings if not view.is_unchecked(finding)]
    return call.page(
        "file_visit.html",
        file=file,
        visit=visit,
        is_closed=is_closed,
        findings=view.by_table(asked, call.services.rules, call.language),
        unchecked=view.by_table(unchecked, call.services.rules, call.language),
        severities=view.SEVERITIES,
        outcome=view.OUTCOMES.get(visit.outcome, view.OUTCOMES["accepted"]),
        rules=call.services.rules,
    )


def rule(call: Call) -> Response:
    """Show one rule: what it asks, who asks for it, since when, on what evidence."""
    found = call.services.rules.get(call.request.path_params["rule"])
    if found is None:
        raise NotReceived
    return call.page(
        "rule.html",
        rule=found,
        words=found.words[call.language],
        severity=view.SEVERITIES[found.severity],
    )


def quarantine(call: Call) -> Response:
    """Show everything that could not be read and waits."""
    rows = call.services.receipts.quarantined()
    return call.page(
        "quarantine.html", rows=[(one, *view.reason_words(one.reason)) for one in rows]
    )


def original(call: Call) -> Response:
    """Send the exact bytes that came; refused where they hold a restricted visit."""
    file = _file(call)
    sees = _sees_restricted(call)  # asked in any case: whoever takes a file is in the trail
    if not sees and any(v.is_restricted for v in _all_visits(call, file)):
        return errors.plain(call, 403)
    return StreamingResponse(
        iter(call.services.receipts.original(file.number)),
        media_type="application/octet-stream",
        headers=_attached(file.name),
    )


def excel(call: Call) -> Response:
    """Send the findings of a file as Excel, to hand to the vendor of the HIS."""
    file = _file(call)
    sees = _sees_restricted(call)
    visits = (v for v in _all_visits(call, file, findings=True) if sees or not v.is_restricted)
    target = tempfile.TemporaryFile(dir=call.services.settings.upload_folder)  # noqa: SIM115 - the answer closes it
    write_findings(target, file, visits, call.services.rules, call.language)
    target.seek(0)
    return StreamingResponse(
        _drained(target), media_type=EXCEL, headers=_attached(f"{file.name}.findings.xlsx")
    )


def _file(call: Call) -> ReceivedFile:
    return call.services.receipts.file(int(call.request.path_params["number"]))


def _sees_restricted(call: Call) -> bool:
    return call.access("HOPERAT").sees_restricted


def _progress_facts(file: ReceivedFile) -> dict[str, Any]:
    return {"file": file, "state": view.file_state(file), "is_moving": view.is_moving(file)}


def _all_visits(
    call: Call, file: ReceivedFile, *, findings: bool = False
) -> Iterator[ReceivedVisit]:
    after = 0
    while True:
        visits = call.services.receipts.visits(
            file.number, after=after, count=1000, with_findings_only=findings
        )
        yield from visits
        if len(visits) < 1000:
            return
        after = visits[-1].ordinal


def _places(
    call: Call, file: ReceivedFile, rule: str, after: int
) -> tuple[list[tuple[view.Place, Any]], int | None]:
    """Return the places of a rule after a visit, and the visit to go on from."""
    places: list[tuple[view.Place, Any]] = []
    sees = _sees_restricted(call)
    visits = call.services.receipts.visits(
        file.number, after=after, count=VISITS_READ, with_findings_only=True
    )
    for visit in visits:
        if visit.is_restricted and not sees:
            continue
        for finding in visit.findings:
            if finding.rule == rule:
                place = view.place_of(visit, finding, call.services.rules, call.language)
                places.append((place, finding))
        if len(places) >= PLACES_A_PAGE:
            return places, visit.ordinal
    return places, visits[-1].ordinal if len(visits) == VISITS_READ else None


def _attached(name: str) -> Mapping[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


def _drained(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
