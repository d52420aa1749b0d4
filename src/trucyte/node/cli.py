"""The command line: a table of commands, loaded when they are called.

Exit codes are a contract: 0 done, 1 the input has errors, 2 wrong use, 3 the node cannot
be reached; 130 and 143 after Ctrl-C and SIGTERM, with everything closed in order. What goes
wrong is one line on standard error, in the language of the node.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn, cast

import click

import trucyte
from trucyte.base.problem import Kind, Problem

DONE, INPUT_ERRORS, WRONG_USE, UNREACHABLE = 0, 1, 2, 3
INTERRUPTED, TERMINATED = 130, 143

_UNREACHABLE_KINDS = (Kind.UNAVAILABLE, Kind.NO_SPACE)
# Problems with how the program was called, whatever their kind says of the input.
_WRONG_USE_CODES = ("setting-refused", "settings-unreadable", "rules-refused")


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lies, and its line in the menu."""

    place: str  # module:function
    line: str


# Others add theirs here. The line stands here too, so that the menu loads none of them.
COMMANDS = {
    "demo": Command("trucyte.node.demo:demo", "Show a node at work with synthetic claims."),
    "ingest": Command("trucyte.node.ingest:ingest", "Take in claims files and FHIR."),
    "export": Command("trucyte.node.bulk.commands:export", "Write everything as NDJSON."),
    "import": Command("trucyte.node.bulk.commands:take_in", "Take in NDJSON and bundles in bulk."),
    "quarantine": Command("trucyte.node.ingest:quarantine", "What could not be read, and why."),
    "serve": Command("trucyte.node.serve:serve", "Serve the pages, the FHIR API and the doors."),
    "migrate": Command("trucyte.node.manage:migrate", "Bring the database to this version."),
    "status": Command("trucyte.node.manage:status", "Show the health of the node."),
    "audit": Command("trucyte.node.audit:audit", "Check that nothing was altered."),
    "keys": Command("trucyte.node.keeping.keys:keys", "Keys: rotate, rewrap, seal, escrow."),
    "backup": Command(
        "trucyte.node.keeping.backup.commands:backup", "Sealed copies of everything; drills."
    ),
    "restore": Command(
        "trucyte.node.keeping.backup.commands:restore_command", "Make a node from backups."
    ),
    "tls": Command("trucyte.node.keeping.tls:tls", "Keys and certificates of the server."),
    "rebuild": Command("trucyte.node.audit:rebuild", "Build the search index again."),
    "consent": Command("trucyte.node.access.consent:consent", "What a person agreed to."),
    "rights": Command("trucyte.node.access.consent:rights", "Requests about data, with clocks."),
    "hold": Command("trucyte.node.access.consent:hold", "Legal holds against erasing."),
    "staff": Command("trucyte.node.access.staff:staff", "Accounts of people at the pages."),
    "attack": Command(
        "trucyte.node.attack.commands:attack", "Attack an own node, and sign what came of it."
    ),
    "door": Command("trucyte.node.doors:door", "Accounts of hospital systems that send."),
    "client": Command("trucyte.node.access.clients:client", "Applications that are given tokens."),
    "standin": Command("trucyte.node.access.standins:standin", "Stand-ins of services of others."),
    "access": Command("trucyte.node.access.commands:access", "Who may see what, and why."),
    "fhirpath": Command("trucyte.node.fhirpath:fhirpath", "Evaluate FHIRPath on a resource."),
    "terminology": Command(
        "trucyte.node.terminology:terminology", "Code lists: load, look up, expand, translate."
    ),
    "registers": Command(
        "trucyte.node.registers.commands:registers",
        "Practitioners and facilities: take lists in, ask.",
    ),
    "view": Command("trucyte.node.view:view", "Make tables out of FHIR by a view."),
    "validate": Command("trucyte.node.validate:validate", "Check FHIR against R4 and profiles."),
    "packages": Command("trucyte.node.packages:packages", "FHIR packages that checks rest on."),
    "vietnam": Command(
        "trucyte.node.country.commands:vietnam", "How names, numbers and addresses are read."
    ),
    "identity": Command(
        "trucyte.node.matching.commands:identity", "Who is whom: files, matching, index."
    ),
    "synth": Command("trucyte.node.synth:synth", "Make data of people who do not exist."),
}


class Menu(click.Group):
    """The group of commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None when the table has none of that name."""
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        module, _, name = command.place.partition(":")
        return cast(click.Command, getattr(import_module(module), name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the menu from the table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.line) for name, command in COMMANDS.items()])


@click.command(cls=Menu, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(trucyte.__version__, prog_name="trucyte")
def menu() -> None:
    """Trục y tế: the health-data node.

    Example: trucyte status --json
    """


def main(arguments: Sequence[str] | None = None, *, standalone_mode: bool = True) -> int:
    """Run a command; leave the process with its exit code, or return it (not standalone)."""
    code = _run(arguments)
    if standalone_mode:
        _leave(code)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code; nothing but a defect gets out."""
    with _signals() as told:
        try:
            code = _outcome(arguments)
        except Exception:
            # A library may answer an interruption with an error of its own, as DuckDB does.
            if not told:
                raise
            return told[0]
        return told[0] if told else code


def _outcome(arguments: Sequence[str] | None) -> int:
    try:
        result: Any = menu.main(
            args=list(arguments) if arguments is not None else None,
            prog_name="trucyte",
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        _stop_writing()
        return DONE
    except Problem as problem:
        return _say(problem)
    return result if isinstance(result, int) else DONE


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Let Ctrl-C and SIGTERM end the block in order; the list has the exit code they ask for.

    SIGTERM ends what follows the block too.
    """
    told: list[int] = []

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        told.append(INTERRUPTED if number == signal.SIGINT else TERMINATED)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)


def _say(problem: Problem) -> int:
    """Write a problem as one line and return the exit code of its kind."""
    from trucyte.base.wording import wording  # noqa: PLC0415 - needed only when something failed

    language = os.environ.get("TRUCYTE_LANGUAGE") or "vi"
    sys.stderr.write(f"trucyte: {wording(problem, language)} [{problem.code}]\n")
    if problem.code in _WRONG_USE_CODES:
        return WRONG_USE
    return UNREACHABLE if problem.kind in _UNREACHABLE_KINDS else INPUT_ERRORS


def _stop_writing() -> None:
    """Let what is still in buffers go nowhere: whoever read our output has had enough."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _leave(code: int) -> NoReturn:
    sys.exit(code)


if __name__ == "__main__":
    main()
