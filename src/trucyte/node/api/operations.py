"""The operations of a node's FHIR API, wired: what stands in this list is offered."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trucyte.insight.views.served import SearchedSource, ViewRunner
from trucyte.national.record.operations import Documents
from trucyte.node.api.checking import NodeChecking
from trucyte.node.packages import FOLDER
from trucyte.node.people.parts import make_identity
from trucyte.node.wiring import Node
from trucyte.web.api.operations.documents import document_operations, everything_operations
from trucyte.web.api.operations.graphql import graphql_operations
from trucyte.web.api.operations.identity import identity_operations
from trucyte.web.api.operations.labels import label_operations
from trucyte.web.api.operations.merging import merge_operations
from trucyte.web.api.operations.table import Operation
from trucyte.web.api.operations.terminology import terminology_operations
from trucyte.web.api.operations.validating import Checking, validate_operations
from trucyte.web.api.operations.views import view_operations

VIEWS: Final = "views"  # ViewDefinitions of the operator's, NAME.json, in the data folder
SCRATCH: Final = "scratch"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")


def node_operations(node: Node) -> Sequence[Operation]:
    """Return every operation that this node answers."""
    settings, records = node.settings, node.records
    checking = NodeChecking(settings.data / FOLDER, lambda: node.codes.terminology, node.clock)
    source = SearchedSource(records, node.parts.definitions)
    runner = ViewRunner(node.parts.definitions, source, node.clock, settings.data / SCRATCH)
    views = settings.data / VIEWS
    return [
        *terminology_operations(lambda: node.codes.terminology, records),
        *validate_operations(Checking(checking.check, checking.against), records),
        *everything_operations(records.everything),
        *document_operations(Documents(records, node.clock, settings.node.name)),
        *view_operations(runner, records, lambda name: stored_view(views, name)),
        *label_operations(records, node.interactions),
        *merge_operations(node.links, records),
        *graphql_operations(records, node.parts.definitions),
        *identity_operations(make_identity(node).matcher, node.links, records),
    ]


def stored_view(folder: Path, name: str) -> bytes | None:
    """Return a view of the operator's by its name; None where there is none."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return (folder / f"{name}.json").read_bytes()
    except FileNotFoundError:
        return None
