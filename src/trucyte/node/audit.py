"""Commands that check journal and trail: `audit verify`, `audit prove`, `rebuild`."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from trucyte.base.problem import Kind, Problem
from trucyte.base.settings import load_settings
from trucyte.journal.evidence import evidence_from_json, evidence_to_json, verify_evidence
from trucyte.node.cli import INPUT_ERRORS
from trucyte.node.keeping.checkers import Place, checkers_for
from trucyte.node.people.parts import make_identity
from trucyte.node.wiring import Node, open_node
from trucyte.records.parameters.progress import check_settled
from trucyte.shared.access.local import local_access
from trucyte.shared.terminology.follower import Follower

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
Progress = Callable[[int, int], None]


class NoSuchResource(Problem):
    """There is no resource {resource} in the journal."""

    kind = Kind.NOT_FOUND
    code = "no-such-resource"


@click.group()
def audit() -> None:
    """Check that nothing in the journal, or in the trail of who looked, was altered."""


@audit.command()
@click.argument("evidence", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--trail", "of_trail", is_flag=True, help="The trail of who looked, instead.")
@click.option("--processes", type=click.IntRange(1, 256), help="That check lines [cores].")
@_JSON
def verify(evidence: Path | None, of_trail: bool, as_json: bool, processes: int | None) -> int:
    """Walk the whole journal and name the first altered thing; or check one EVIDENCE file.

    An evidence file, of a record or of an entry of the trail, is checked without any node
    or database.

    Example: trucyte audit verify --trail --json
    """
    if evidence is not None:
        return _verify_file(evidence, as_json=as_json)
    settings = load_settings(os.environ)
    opened = open_node(settings, needs_room=False)
    with opened as node, bar("lines", as_json=as_json) as progress:
        walked = node.trail if of_trail else node.journal
        schema = "audit" if of_trail else "journal"
        lines = (node.trail.journal if of_trail else node.journal).tail()
        place = Place(node.database.url, settings.data / "keys", settings.keys.master, schema)
        with checkers_for(place, lines, processes) as checkers:
            verdict = walked.verify(progress, checkers=checkers)
    facts: dict[str, Any] = {
        "verdict": "sound" if verdict.is_sound else "altered",
        "lines": verdict.rows,
        "batches": verdict.batches,
        "checkpoints": verdict.checkpoints,
    }
    if verdict.fault is not None:
        fault = verdict.fault
        facts["first_fault"] = {"what": fault.what.value} | {
            name: value
            for name, value in (("seq", fault.seq), ("batch", fault.batch), ("key", fault.key))
            if value is not None
        }
    _write(facts, as_json=as_json)
    return 0 if verdict.is_sound else INPUT_ERRORS


def _verify_file(path: Path, *, as_json: bool) -> int:
    record = verify_evidence(evidence_from_json(path.read_bytes()))
    facts = {
        "verdict": "sound",
        "resource": f"{record.type}/{record.id}",
        "version": record.version,
    }
    _write(facts, as_json=as_json)
    return 0


@audit.command()
@click.argument("resource", metavar="TYPE/ID[/VERSION]")
@click.option("--trail", "of_trail", is_flag=True, help="An entry of the trail: AuditEvent/ID.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file [output].")
def prove(resource: str, of_trail: bool, out: Path | None) -> None:
    """Write evidence of one record, or of one entry of the trail, to be verified offline.

    Example: trucyte audit prove Encounter/abc --out evidence.json
    """
    with open_node(load_settings(os.environ), needs_room=False) as node:
        evidence = _evidence_of_entry(node, resource) if of_trail else _evidence(node, resource)
    if out is None:
        sys.stdout.buffer.write(evidence + b"\n")
    else:
        out.write_bytes(evidence)


def _evidence(node: Node, resource: str) -> bytes:
    parts = resource.split("/")
    if len(parts) not in (2, 3) or (len(parts) == 3 and not parts[2].isdecimal()):
        raise click.UsageError("TYPE/ID or TYPE/ID/VERSION")
    lines = node.journal.history(0, parts[0], parts[1]) if parts[0] else []
    wanted = int(parts[2]) if len(parts) == 3 else None
    found = [line for line in lines if wanted in (None, line.entry.version)]
    if not found:
        raise NoSuchResource(resource=f"{parts[0][:40]}/…")
    return evidence_to_json(node.journal.prove(found[0].entry.seq))


def _evidence_of_entry(node: Node, resource: str) -> bytes:
    """Return the evidence of an entry; whoever asks for it is in the trail as well."""
    id = resource.removeprefix("AuditEvent/")
    with node.trail.request("read AuditEvent", door="cli") as asked:
        return evidence_to_json(node.trail.prove(asked.of(local_access("cli", asked)), id))


@click.command()
@click.option("--compare", is_flag=True, help="Change nothing; say whether it would be the same.")
@_JSON
def rebuild(compare: bool, as_json: bool) -> int:
    """Build the search index, the code lists and the index of people again from the journal.

    With --compare nothing changes: it says whether all of it would be the same.

    Example: trucyte rebuild --compare
    """
    with open_node(load_settings(os.environ)) as node, bar("lines", as_json=as_json) as progress:
        if not compare:
            lines = node.journal.rebuild(progress)
            Follower(node.database, node.journal).rebuild(progress)
            make_identity(node).follower.reindex(progress)
            _write({"lines": lines}, as_json=as_json)
            return 0
        check_settled(node.database)
        follower = Follower(node.database, node.journal)
        difference = (
            node.journal.compare(progress)
            or follower.compare(progress)
            or make_identity(node).follower.compare(progress)
        )
    if difference is None:
        _write({"verdict": "same"}, as_json=as_json)
        return 0
    facts = {"verdict": "different", "table": difference.table, "kind": difference.kind}
    _write(facts | {"row": difference.row}, as_json=as_json)
    return INPUT_ERRORS


@contextmanager
def bar(label: str, *, as_json: bool) -> Iterator[Progress]:
    """Show progress on a terminal, and nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield show


def _write(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")
