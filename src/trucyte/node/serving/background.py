"""The one process that works behind the answers: intake, followers, housekeeping."""

from functools import partial
from pathlib import Path

from trucyte.node.serving.child import Life
from trucyte.node.serving.figures import commits_noted, sample_lag, sample_pool
from trucyte.node.serving.housekeeping import working
from trucyte.node.wiring import join_node, tell_old_index


def work(life: Life) -> None:
    """Work on what is received, follow the journal and keep house, until told to end."""
    noted = partial(commits_noted, life.meters)
    with join_node(life.settings, noted=noted) as node:
        tell_old_index(node)
        watch = Path(life.told.watch) if life.told.watch else None
        life.sampling(
            lambda: sample_pool(life.meters, node.database),
            lambda: sample_lag(life.meters, node.journal),
        )
        with working(node, watch):
            life.ready()
            life.stop.wait()
