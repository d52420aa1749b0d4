"""Commands that move data in bulk: `export`, `import`; the same work as `$export`, `$import`.

What they print with --json is a contract (DESIGN, "The command line is a contract").
"""

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from trucyte.base.settings import Settings, load_settings
from trucyte.base.terminal import bar, clear_line, draw_line
from trucyte.database.job_folders import JobFolder
from trucyte.exchange.bulk.folder import ExportFolder, Finished
from trucyte.exchange.bulk.request import Level, read_request
from trucyte.exchange.bulk.run import Progress as Written
from trucyte.intake.bulk.imports import inputs_of
from trucyte.intake.bulk.run import ERRORS, Sources
from trucyte.intake.bulk.run import Progress as Taken
from trucyte.intake.door import find_files
from trucyte.node.bulk.jobs import make_bulk
from trucyte.node.cli import DONE, INPUT_ERRORS
from trucyte.node.ingest import stopping
from trucyte.node.wiring import open_node
from trucyte.shared.access.local import Unshown, local_access

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type; repeat it.")
@click.option("--since", metavar="TIME", help="Only what was accepted after it (with its offset).")
@_JSON
def export(folder: Path, types: Sequence[str], since: str | None, as_json: bool) -> int:
    """Write everything that is not restricted into FOLDER, a file of NDJSON a type and part.

    Stopped or killed, the same command goes on at the same position. A finished FOLDER is
    not written again.

    Example: trucyte export ./ban-sao --type Patient --since 2026-07-01T00:00:00+07:00
    """
    settings = load_settings(os.environ)
    access = local_access("export", Unshown())
    pairs = [("_type", name) for name in types] + ([("_since", since)] if since else [])
    request = read_request(pairs, level=Level.SYSTEM, access=access, url="trucyte export")
    place = ExportFolder(JobFolder(folder.absolute()))
    with open_node(settings) as node, stopping() as stop:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "plan.json").exists():
            if any(folder.iterdir()) and not (folder / "request.json").exists():
                raise click.UsageError("FOLDER is not empty")
            place.set_request(request)
        elif place.request() != request:
            raise click.UsageError("FOLDER holds an export of something else")

        def report(progress: Written) -> bool:
            done = progress.parts / max(1, progress.parts_total)
            draw_line(f"{bar(done)} {progress.resources:,}")
            return not stop.event.is_set()

        finished = make_bulk(node).exporter.run(place, report)
        clear_line()
    if finished is None:
        return stop.code
    _print_export(finished, settings, as_json=as_json)
    return DONE


def _print_export(finished: Finished, settings: Settings, *, as_json: bool) -> None:
    counts: dict[str, int] = {}
    for file in finished.files:
        counts[file.type] = counts.get(file.type, 0) + file.count
    total = sum(counts.values())
    if as_json:
        at: datetime = finished.at
        told = {"files": len(finished.files), "resources": total, "types": counts,
                "transaction_time": at.isoformat()}  # fmt: skip
        click.echo(json.dumps(told))
    elif settings.language == "vi":
        click.echo(f"{total:,} tài nguyên trong {len(finished.files):,} tệp.")
    else:
        click.echo(f"{total:,} resources in {len(finished.files):,} files.")


@click.command(name="import")
@click.argument(
    "paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@_JSON
def take_in(paths: Sequence[Path], as_json: bool) -> int:
    """Take in NDJSON and bundles, plain or packed (.gz, .zst), and folders of them.

    Unlike `ingest`, the files are not kept. The same content again writes nothing. Stopped or
    killed, the same command goes on where it was. Exit code 1 says that lines failed; they
    are told, one OperationOutcome each, in the file that is named.

    Example: trucyte import ./ban-sao
    """
    settings = load_settings(os.environ)
    files = [path for path in _files(paths) if path.stat().st_size]
    place = JobFolder(settings.data / "bulk" / "command" / _name(files))
    with open_node(settings) as node, stopping() as stop:
        place.path.mkdir(parents=True, exist_ok=True)
        sources = Sources(tuple({path.absolute().parent for path in files}))

        def report(progress: Taken) -> bool:
            done = progress.bytes / max(1, progress.bytes_total)
            draw_line(f"{bar(done)} {progress.written:,} ({progress.failed:,})")
            return not stop.event.is_set()

        state = make_bulk(node, sources=sources).importer.run(place, inputs_of(files), report)
        clear_line()
    if state is None:
        return stop.code
    counts = {
        "files": len(files),
        "written": sum(file.written for file in state.files),
        "unchanged": sum(file.unchanged for file in state.files),
        "failed": sum(file.failed for file in state.files),
    }
    if warned := sum(file.warned for file in state.files):
        counts["warned"] = warned
    errors = place.path / ERRORS
    if not counts["failed"]:
        place.remove()
    _print_import(counts, errors, settings, as_json=as_json)
    return INPUT_ERRORS if counts["failed"] else DONE


_WORDS = {
    "vi": {
        "files": "tệp",
        "written": "tài nguyên mới",
        "unchanged": "không đổi",
        "failed": "dòng lỗi",
        "warned": "dòng do người không có giấy phép hiệu lực ký",
    },
    "en": {
        "files": "files",
        "written": "newly written",
        "unchanged": "unchanged",
        "failed": "failed lines",
        "warned": "lines signed without a licence in force",
    },
}


def _print_import(
    counts: dict[str, int], errors: Path, settings: Settings, *, as_json: bool
) -> None:
    if as_json:
        place = {"errors": str(errors)} if counts["failed"] else {}
        click.echo(json.dumps(counts | place))
        return
    vi = settings.language == "vi"
    words = _WORDS["vi" if vi else "en"]
    click.echo(", ".join(f"{count:,} {words[name]}" for name, count in counts.items()))
    if counts["failed"]:
        click.echo(str(errors))


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that paths name; of folders what can be taken in here."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            packed = [one for one in path.rglob("*") if one.suffix in (".gz", ".zst")]
            plain = [one for one in find_files([path]) if one.suffix in (".json", ".ndjson")]
            found += sorted({*packed, *plain})
        else:
            found.append(path)
    # What an export keeps beside its files is no FHIR.
    return [path for path in found if not _is_of_export(path)]


def _is_of_export(path: Path) -> bool:
    names = ("request.json", "plan.json", "finished.json")
    is_part = path.name.startswith("part-") or path.name in names
    return is_part and (path.parent / "plan.json").exists()


def _name(files: Sequence[Path]) -> str:
    """Return the name of an import of just these files as they are now."""
    told = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]
