"""What attacks work with: the node, the callers, the marked records, and what was found.

Every marked record carries a random mark that no request ever sends, so a mark in an
answer is data that came back, and says whose.
"""

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trucyte.node.attack.asking import Answer, Target
from trucyte.node.attack.stage import Stage

JSON: Final = "application/fhir+json"
FOREIGN: Final = "https://attacker.example"
_REPRODUCED_MAX: Final = 1500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went wrong, and how to see it again; no secret stands in it."""

    attack: str
    what: str
    curl: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: headers that prove it, and the marks it may be shown."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    sees: frozenset[str] = frozenset()  # kinds of marks, as "a-plain"
    role: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """One marked record."""

    kind: str  # "a-plain", "a-restricted", "a-secret", "b-plain"
    type: str
    id: str
    mark: str

    @property
    def path(self) -> str:
        """Return where it is read."""
        return f"/fhir/{self.type}/{self.id}"


@dataclass(slots=True)
class Arena:
    """One run."""

    target: Target
    stage: Stage
    is_quick: bool = False
    callers: dict[str, Caller] = field(default_factory=dict)
    marked: list[Marked] = field(default_factory=list)
    relations: list[tuple[str, str]] = field(default_factory=list)  # organisation, path
    findings: list[Finding] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    attack: str = ""
    prefix: str = field(default_factory=lambda: f"Zq{secrets.token_hex(3)}")

    def ask(
        self,
        method: str,
        path: str,
        caller: Caller | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask as a caller; an answer of 5xx is a finding, and so is a foreign mark."""
        self.asked[self.attack] += 1
        sent = {**(caller.headers if caller else {}), **(headers or {})}
        answer = self.target.ask(method, path, body=body, headers=sent)
        curl = self.curl(method, path, caller, headers, body)
        if answer.status >= 500 and answer.status not in (501, 503, 507):
            self.find(f"{answer.status} from {method} {path[:120]}", curl)
        self.check_marks(answer, caller, f"{method} {path[:160]}", curl)
        return answer

    def check_marks(self, answer: Answer, caller: Caller | None, what: str, curl: str) -> None:
        """Find every mark that this caller may not be shown."""
        sees = caller.sees if caller else frozenset()
        name = caller.name if caller else "nobody"
        text = answer.text
        for one in self.marked:
            if one.kind not in sees and one.mark in text:
                self.find(f"{name} was shown {one.kind} {one.type} by {what}", curl)

    def find(self, what: str, curl: str = "") -> None:
        """Keep a finding, each once."""
        found = Finding(self.attack, what, curl)
        if found not in self.findings:
            self.findings.append(found)

    def expect(self, holds: object, what: str, curl: str = "") -> None:
        """Keep a finding unless something holds."""
        if not holds:
            self.find(what, curl)

    def of(self, kind: str, type: str = "Patient") -> Marked:
        """Return the marked record of a kind and a type."""
        return next(one for one in self.marked if (one.kind, one.type) == (kind, type))

    def curl(
        self,
        method: str,
        path: str,
        caller: Caller | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> str:
        """Return the line that asks the same again; what proves a caller is a variable."""
        words = ["curl", "-g", "-i", "-X", method]
        for name in caller.headers if caller else ():
            words.append(f"-H '{name}: '\"${_variable(caller.name if caller else '', name)}\"")
        words += [
            f"-H {_quoted(f'{name}: {_shown(name, value)}')}"
            for name, value in (headers or {}).items()
        ]
        if body:
            text = body.decode("utf-8", "replace")
            words.append(
                f"--data-binary {_quoted(text[:400])}{' # cut' if len(text) > 400 else ''}"
            )
        return " ".join([*words, _quoted(f"{self.target.origin}{path}")])[:_REPRODUCED_MAX]

    def every(self, kinds: Iterable[str]) -> Sequence[Marked]:
        """Return the marked records of some kinds."""
        wanted = frozenset(kinds)
        return [one for one in self.marked if one.kind in wanted]


def json_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer, empty where it is none."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _shown(header: str, value: str) -> str:
    """Return a header's value without what could be used again: no signature, no session."""
    if header.lower() == "cookie":
        return "(cookie)"
    return value[:160] + "…" if header.lower() == "authorization" and len(value) > 160 else value


def _variable(caller: str, header: str) -> str:
    return f"{header}_{caller}".upper().replace("-", "_")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''").replace("\0", "\\0") + "'"
