"""A node that takes registers' files in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.records import KEY, Node
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.validate import Validator
from trucyte.records import Hasher
from trucyte.shared.identity.registers.facilities import Facilities
from trucyte.shared.identity.registers.files.load import Asked, Loaded, Loader
from trucyte.shared.identity.registers.files.rows import Kind
from trucyte.shared.identity.registers.licence import NUMBERS
from trucyte.shared.identity.registers.reader import Registers


class Desk:
    """Where lists come in, and what is known afterwards."""

    def __init__(self, node: Node, definitions: Definitions, folder: Path) -> None:
        self.node, self.folder = node, folder
        person = Hasher(KEY).person
        self.loader = Loader(node.journal, Validator(definitions), person, KEY, node.clock)
        self.registers = Registers(node.database, node.journal, node.records, KEY, node.clock)
        self.facilities = Facilities(node.database, node.records, KEY, node.clock)

    def load(
        self,
        kind: Kind,
        text: str | bytes,
        *,
        only_check: bool = False,
        columns: Mapping[str, str] | None = None,
    ) -> Loaded:
        path = self.folder / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.loader.load(Asked(kind, path, None, columns or {}, only_check))

    def practitioners(self, *lines: str, heading: str = "") -> Loaded:
        head = heading or "so gphn,ho ten,ngay cap,ngay het han,tinh trang,ngay quyet dinh,ma cskcb"
        return self.load(Kind.PRACTITIONERS, "\n".join((head, *lines)))

    def all(self, type: str) -> list[dict[str, Any]]:
        """Return what is current of a type."""
        page = self.node.records.search(self.node.full, type, [("_count", "100")])
        return [parse(one.body) for one in page.entries]

    def one(self, type: str) -> dict[str, Any]:
        (found,) = self.all(type)
        return found

    def why(self, number: str) -> str:
        asked = {"identifier": {"system": NUMBERS, "value": number}}
        found = self.registers.standing(self.node.full, asked, at=self.node.clock.now())
        return found.why.value


def reasons(loaded: Loaded) -> list[tuple[int, str, str]]:
    return [(note.row, note.reason, note.column) for note in loaded.notes.faults]
