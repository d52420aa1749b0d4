"""A process that exports or imports until it is done or killed.

python -m tests.support.bulk_process export|import URL FOLDER DEFINITIONS WORKERS
"""

import sys
from functools import partial
from pathlib import Path

from tests.support.intake import build
from tests.support.records import KEY, Trail
from trucyte.base.clock import SystemClock
from trucyte.base.disk import DiskState
from trucyte.database.connect import Database
from trucyte.database.job_folders import JobFolder
from trucyte.exchange.bulk.folder import ExportFolder
from trucyte.exchange.bulk.request import ExportRequest, Level
from trucyte.exchange.bulk.run import Exporter
from trucyte.exchange.bulk.write import ExportTools
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.intake.bulk.imports import inputs_of
from trucyte.intake.bulk.run import Importer, Sources
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records import Access, Hasher, SearchIndex
from trucyte.records.asker import Asker
from trucyte.records.walk import Walker

ASKER = Asker("test", "TREAT", sees_restricted=False)


def access(asker: Asker) -> Access:
    return Access(asker.caller, asker.purpose, asker.sees_restricted, Trail())


def room(path: Path) -> DiskState:
    return DiskState(1 << 40, 1, 1)


def export_tools(url: str, folder: Path, definitions: Path) -> ExportTools:
    database = Database(url)
    keyring = Keyring.open(folder / "keys")
    index = SearchIndex(
        Extractor(Definitions.load(definitions.read_bytes())), Hasher(keyring.tokens)
    )
    journal = Journal(database, keyring, SystemClock())

    def close() -> None:
        journal.close()
        database.close()

    walker = Walker(database, journal, index)
    return ExportTools(walker, access, lambda elements: None, room, close)


def export(url: str, folder: Path, definitions: Path, workers: int) -> None:
    tools = export_tools(url, folder, definitions)
    place = ExportFolder(JobFolder(folder / "out"))
    if not (folder / "out").exists():
        (folder / "out").mkdir()
        request = ExportRequest(level=Level.SYSTEM, asker=ASKER, url="test")
        place.set_request(request)
    exporter = Exporter(
        walker=tools.walker, access=access, person=Hasher(KEY).person, clock=SystemClock(),
        build=partial(export_tools, url, folder, definitions), workers=workers,
    )  # fmt: skip

    def report(progress: object) -> bool:
        print("working", flush=True)
        return True

    exporter.run(place, report)
    tools.close()


def take_in(url: str, folder: Path, definitions: Path, workers: int) -> None:
    tools = build(url, folder, definitions, is_indexed=True)
    state = JobFolder(folder / "state")
    state.path.mkdir(exist_ok=True)
    files = sorted((folder / "in").glob("*.ndjson"))
    importer = Importer(
        database=tools.database, journal=tools.journal,
        build=partial(build, url, folder, definitions, is_indexed=True),
        sources=Sources((folder / "in",)), room=lambda: room(folder), workers=workers,
    )  # fmt: skip

    def report(progress: object) -> bool:
        print("working", flush=True)
        return True

    importer.run(state, inputs_of(files), report)
    tools.journal.close()
    tools.database.close()


def main() -> None:
    what, url, folder, definitions, workers = sys.argv[1:]
    act = {"export": export, "import": take_in}[what]
    act(url, Path(folder), Path(definitions), int(workers))
    print("done", flush=True)


if __name__ == "__main__":
    main()
