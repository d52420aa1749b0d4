"""A process that sends transactions until it is killed.

python -m tests.support.bundle_process URL FOLDER DEFINITIONS NUMBER

Each is a patient, twenty resources that point to it, and a patient that all processes
compete for. Prints the number of each transaction that was acknowledged.
"""

import sys
from itertools import count
from pathlib import Path

from tests.support.bundles import coded, observation, open_sender, post
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions

MEMBERS = 20
URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


def main() -> None:
    url, folder, definitions, worker = sys.argv[1:]
    database = Database(url)
    language = Definitions.load(Path(definitions).read_bytes())
    with open_sender(database, Path(folder), SystemClock(), language) as sender:
        for number in count():
            own, shared = f"{worker}-{number}", f"shared-{number}"
            members = [post(observation(URN)) for _ in range(MEMBERS)]
            sender.send(
                post(coded(own), URN),
                post(coded(shared), ifNoneExist=f"identifier=urn:so|{shared}"),
                *members,
            )
            print(number, flush=True)


if __name__ == "__main__":
    main()
