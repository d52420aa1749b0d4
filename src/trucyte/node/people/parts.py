"""The index of people, matching and the worklist of a node, put together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final

from trucyte.base.problem import Problem
from trucyte.base.settings import IdentitySettings
from trucyte.node.wiring import Node
from trucyte.shared.access.local import system_access
from trucyte.shared.identity.index import Follower, Keys, Matcher
from trucyte.shared.identity.matching.model import Model, ModelUnreadable, load_model, read_model
from trucyte.shared.identity.newcomers import Automatic, Newcomers, Policy, Worklist
from trucyte.shared.identity.newcomers.run import Parts

STOP_SECONDS_MAX: Final = 30
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """What a process needs to say who someone is."""

    follower: Follower
    matcher: Matcher
    newcomers: Newcomers
    worklist: Worklist


def make_identity(node: Node) -> Identity:
    """Put together what matches, over a node. Raises ModelUnreadable."""
    settings, database = node.settings.identity, node.database
    keys = Keys(node.keyring.derive("identity", _KEY_BYTES))
    matcher = Matcher(database, keys, model_of(settings), clock=node.clock)
    return Identity(
        follower=Follower(database, node.journal, keys),
        matcher=matcher,
        newcomers=Newcomers(
            Parts(
                database=database,
                journal=node.journal,
                matcher=matcher,
                links=node.links,
                clock=node.clock,
                access=system_access("identity"),
                policy=Policy(Automatic(settings.automatic)),
            )
        ),
        worklist=Worklist(database, node.records, node.links, node.clock),
    )


def model_of(settings: IdentitySettings) -> Model:
    """Return the model that the settings name, or the packaged one. Raises ModelUnreadable."""
    if not settings.model:
        return load_model()
    try:
        return read_model(Path(settings.model).read_bytes())
    except OSError as error:
        raise ModelUnreadable(reason=error.strerror or "unreadable") from None


@contextmanager
def identifying(node: Node, waits: Callable[[Problem], None]) -> Iterator[None]:
    """Lay out and match whoever is accepted, until the block is left."""
    stop, identity = Event(), make_identity(node)

    def match() -> None:
        if node.settings.identity.matching:
            identity.newcomers.catch_up(stop)

    thread = Thread(target=identity.follower.run, args=(stop, waits, match), name="identity")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS_MAX)
