"""A process that follows and tells, to be killed: `python -m … URL FOLDER`."""

import sys
import threading
from pathlib import Path

import msgspec

from trucyte.base.settings import Settings, SubscriptionSettings
from trucyte.node.exchange.subscriptions import telling
from trucyte.node.wiring import open_node


def settings_of(url: str, folder: Path) -> Settings:
    made = Settings(
        data=folder, subscriptions=SubscriptionSettings(networks=("127.0.0.0/8",), seconds_max=2)
    )
    return msgspec.structs.replace(made, database=msgspec.structs.replace(made.database, url=url))


def main() -> None:
    with (
        open_node(settings_of(sys.argv[1], Path(sys.argv[2]))) as node,
        telling(node, lambda problem: print(problem.code, file=sys.stderr, flush=True)),
    ):
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
