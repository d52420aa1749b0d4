"""What the check of an access token costs at the API, and what giving one costs.

PYTHONPATH=src python -m bench.oauth
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench.record import record
from tests.support.oauth import ISSUER, World
from trucyte.base.clock import FixedClock
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.oauth.asked import Asked
from trucyte.shared.access.oauth.subjects import access_of
from trucyte.shared.access.oauth.tokens import new_key


def microseconds(work: Callable[[], object], times: int) -> float:
    """Return what one run takes of this process, the best of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - began) / times * 1e6)
    return min(rounds)


def main() -> None:
    world = World(clock=FixedClock(datetime.now(UTC)))
    token = world.system_token()
    asked = Asked(ISSUER, f"{ISSUER}/fhir/Patient", "GET")
    recorder = Unshown()

    def warm() -> object:
        held = world.check.held(token, asked, scheme="bearer")
        return access_of(held.subject, held.patient, recorder)

    def cold() -> object:
        world.check._kept.clear()
        return warm()

    url, key = f"{ISSUER}/oauth/token", new_key()
    bound = world.system_token(dpop=world.proof(key, method="POST", url=url))

    def proven() -> object:
        proof = world.proof(key, method="GET", url=asked.url, token=bound)
        headers = {"dpop": proof}
        return world.check.held(bound, Asked(ISSUER, asked.url, "GET", {}, headers), scheme="dpop")

    def proof_alone() -> object:
        return world.proof(key, method="GET", url=asked.url, token=bound)

    making = microseconds(proof_alone, 200)
    taken = {
        "token known": microseconds(warm, 20_000),
        "token new": microseconds(cold, 300),
        "token known, proof of possession": microseconds(proven, 200) - making,
        "assertion made, token given": microseconds(world.system_token, 200),
    }
    record(
        "oauth",
        {name: (round(value, 1), "us") for name, value in taken.items()},
        "one core, in memory",
    )


if __name__ == "__main__":
    main()
