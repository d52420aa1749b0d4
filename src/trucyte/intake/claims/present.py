"""What the journal holds now of the resources a batch of visits touches.

Read in as few round trips as a batch allows; nothing here outlives the batch.
"""

from collections.abc import Iterable

from trucyte.intake.latest import PEOPLE, Order, find_latest
from trucyte.journal.change import Head, Stored
from trucyte.journal.journal import Journal

Key = tuple[str, str]  # type, id


class Present:
    """Current heads and bodies, remembered until cleared."""

    def __init__(self, journal: Journal) -> None:
        """Read from `journal`."""
        self.journal = journal
        self._heads: dict[Key, Head | None] = {}
        self._stored: dict[int, Stored] = {}
        self._latest: dict[str, Order] | None = None

    def clear(self) -> None:
        """Forget everything: another batch begins."""
        self._heads.clear()
        self._stored.clear()
        self._latest = None

    def load(self, keys: Iterable[Key]) -> None:
        """Read what is current of `keys`, with bodies."""
        unknown = {key for key in keys if key not in self._heads}
        if not unknown:
            return
        found = self.journal.current((0, *key) for key in unknown)
        self._heads.update(dict.fromkeys(unknown))
        for (_, *key), line in found.items():
            entry = line.entry
            self._heads[key[0], key[1]] = Head(entry.version, entry.seq, entry.operation)
            self._stored[entry.seq] = line

    def latest(self, key: Key) -> Order | None:
        """Return the order of a loaded person's latest visit, if there is one.

        Asked once for all people that are loaded: most batches never need to.
        """
        if self._latest is None:
            people = [f"{kind}/{id}" for (kind, id), head in self._heads.items()
                      if head and kind in PEOPLE]  # fmt: skip
            self._latest = find_latest(self.journal.database, people)
        return self._latest.get(f"{key[0]}/{key[1]}")

    def version(self, key: Key) -> int:
        """Return the current version of a loaded key, 0 where there never was one."""
        head = self._heads[key]
        return head.version if head else 0

    def stored(self, key: Key) -> Stored | None:
        """Return the current line of a loaded key; None where there is none, or no body."""
        head = self._heads[key]
        stored = self._stored.get(head.seq) if head else None
        return stored if stored and stored.body else None
