"""How long it takes until a node answers: first start, second start, stop, the menu."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from trucyte.base.settings import Settings
from trucyte.database.server import EmbeddedServer
from trucyte.node.wiring import open_node


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def open_and_close(folder: Path) -> None:
    with open_node(Settings(data=folder)):
        pass


def main() -> None:
    menu = [sys.executable, "-m", "trucyte.node.cli", "--help"]
    rows = {
        "menu": min(seconds(lambda: subprocess.run(menu, stdout=-3, check=True)) for _ in "abc")
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedServer(folder / "data", system=folder / "system")
        rows["server, first start"] = seconds(server.start)
        rows["server, stop"] = seconds(server.stop)
        rows["server, second start"] = seconds(server.start)
        server.stop()
        rows["node, opened and closed, migrating"] = seconds(
            lambda: open_and_close(folder / "data")
        )
        rows["node, opened and closed again"] = seconds(lambda: open_and_close(folder / "data"))
    for what, took in rows.items():
        print(f"{what:<40}{took:8.3f} s")


if __name__ == "__main__":
    main()
