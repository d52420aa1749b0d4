"""Evidence: one line of the journal with all that proves it, for anyone, without a database.

It holds the line, its salt and body, the path from its leaf to the root of its batch, the
path from the batch to the root over all batches, and the checkpoint that the node signed.
Its JSON has one form only, so that no byte of it can change unnoticed.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Connection
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal import leaf, merkle, pack
from trucyte.journal.checkpoint import Checkpoint, Signer
from trucyte.journal.codec import BLOCKED, Codec
from trucyte.journal.keyring import key_id
from trucyte.journal.leaf import inner_hash
from trucyte.journal.named import Queries
from trucyte.journal.rows import ChangeRow, binary_cursor
from trucyte.journal.tail import Batch, read_tail


class LineNotFound(Problem):
    """The journal has no line {seq}."""

    kind = Kind.NOT_FOUND
    code = "line-not-found"


class EvidenceInvalid(Problem):
    """The evidence does not hold: {reason}."""

    code = "evidence-invalid"


class Record(msgspec.Struct, frozen=True):
    """The fields of the line that its leaf covers; `accepted_at` in µs since 1970, UTC."""

    seq: int
    accepted_at: int
    origin: int
    type: str
    id: str
    version: int
    operation: int
    data_group: int
    person: int
    source: int
    row: int
    previous: int
    meta_offset: int


class Evidence(msgspec.Struct, frozen=True):
    """A line and its proof. An erased body leaves `inner_hash`, otherwise that is empty."""

    form: str
    record: Record
    salt: bytes
    body: bytes
    inner_hash: bytes
    batch_number: int
    batch_first_seq: int
    batch_last_seq: int
    batch_path: list[bytes]
    tree_path: list[bytes]
    tree_batches: int
    tree_last_seq: int
    tree_root: bytes
    tree_chain: bytes
    signed_at: int
    epoch: int
    key: str
    signature: bytes
    public_key: bytes

    @property
    def checkpoint(self) -> Checkpoint:
        """What the node signed."""
        return Checkpoint(
            self.tree_batches, self.tree_last_seq, self.signed_at, self.epoch, self.tree_root,
            self.tree_chain, self.key, self.signature,
        )  # fmt: skip


FORM = "trucyte-evidence-1"
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Evidence)


def evidence_to_json(evidence: Evidence) -> bytes:
    """Write evidence in its one form."""
    return _ENCODER.encode(evidence)


def evidence_from_json(data: bytes) -> Evidence:
    """Read evidence; raises EvidenceInvalid where a byte differs from its one form."""
    try:
        evidence = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise EvidenceInvalid(reason="not in the form of evidence") from error
    if evidence.form != FORM or evidence_to_json(evidence) != data:
        raise EvidenceInvalid(reason="not in the form of evidence")
    return evidence


def verify_evidence(evidence: Evidence, public_key: bytes | None = None) -> Record:
    """Return the line that the evidence proves; raises EvidenceInvalid with the reason.

    Pass the `public_key` you know the node by: without it only the evidence's own
    consistency is shown, and anybody can sign with a key of their own.
    """
    checkpoint = evidence.checkpoint
    for holds, reason in (
        (public_key in (None, evidence.public_key), "signed by another key"),
        (key_id(evidence.public_key) == evidence.key, "the key does not bear that name"),
        (checkpoint.is_signed_by(evidence.public_key), "the signature is not of that key"),
        (evidence.batch_last_seq <= evidence.tree_last_seq, "signed before the line was there"),
    ):
        if not holds:
            raise EvidenceInvalid(reason=reason)
    if _root_over_batches(evidence) != evidence.tree_root:
        raise EvidenceInvalid(reason="the paths do not lead to the signed root")
    return evidence.record


def _root_over_batches(evidence: Evidence) -> bytes | None:
    leaf_bytes = _leaf(evidence)
    first, last = evidence.batch_first_seq, evidence.batch_last_seq
    place = evidence.record.seq - first
    if leaf_bytes is None:
        return None
    root = merkle.root_from_path(leaf_bytes, place, last - first + 1, evidence.batch_path)
    if root is None:
        return None
    at = evidence.record.accepted_at
    batch = Batch(last, first, evidence.batch_number, at, root, b"", b"")
    return merkle.root_from_path(
        batch.leaf, evidence.batch_number, evidence.tree_batches, evidence.tree_path
    )


def _leaf(evidence: Evidence) -> bytes | None:
    record = evidence.record
    if evidence.inner_hash and (evidence.salt or evidence.body):
        return None
    type_number = TYPE_NUMBERS.get(record.type)
    if type_number is None:
        return None
    header = leaf.pack_header(
        record.seq, record.accepted_at, record.person, record.previous, record.source,
        record.version, record.row, record.meta_offset, record.origin, type_number,
        record.operation, record.data_group, record.id.encode(),
    )  # fmt: skip
    inner = evidence.inner_hash or inner_hash(evidence.salt, evidence.body)
    return leaf.leaf_of(header, inner)


def prove(
    connection: Connection, queries: Queries, seq: int, codec: Codec, signer: Signer
) -> Evidence:
    """Return the evidence of line `seq`; signs a checkpoint where none covers it yet.

    Raises LineNotFound.
    """
    cursor = binary_cursor(connection)
    row = cursor.execute(queries.bodies, (pack.bigints([seq]),)).fetchone()
    if row is None:
        raise LineNotFound(seq=seq)
    line = ChangeRow(*row)
    found = cursor.execute(queries.batch_of, (seq,)).fetchone()
    assert found is not None
    batch = Batch(*found)
    leaves = cursor.execute(queries.leaves, (batch.first_seq, batch.last_seq)).fetchall()
    erased = cursor.execute(queries.read_erasure, (seq,)).fetchone()
    checkpoint, public_key = _covering(connection, queries, batch, signer)
    body = codec.open(line.codec & ~BLOCKED, line.body, line.place)
    inner = erased[0] if erased else b""
    if line.codec & BLOCKED:  # proven, and not shown
        inner, body, line = inner_hash(line.salt, body), b"", replace(line, salt=b"")
    return Evidence(
        FORM,
        _record(line),
        line.salt,
        body,
        inner,
        batch.number,
        batch.first_seq,
        batch.last_seq,
        merkle.inclusion_path([found_leaf for (found_leaf,) in leaves], seq - batch.first_seq),
        _tree_path(connection, queries, batch.number, checkpoint.batches),
        checkpoint.batches,
        checkpoint.last_seq,
        checkpoint.root,
        checkpoint.chain,
        checkpoint.at,
        checkpoint.epoch,
        checkpoint.key,
        checkpoint.signature,
        public_key,
    )


def _record(line: ChangeRow) -> Record:
    return Record(
        line.seq, line.accepted_at, line.origin, RESOURCE_TYPES[line.type_number - 1], line.id,
        line.version, line.operation, line.data_group, line.person, line.source, line.source_row,
        line.previous, line.meta_offset,
    )  # fmt: skip


def _covering(
    connection: Connection, queries: Queries, batch: Batch, signer: Signer
) -> tuple[Checkpoint, bytes]:
    cursor = binary_cursor(connection)
    row = cursor.execute(queries.last_checkpoint).fetchone()
    checkpoint = Checkpoint(*row) if row else None
    if checkpoint is None or checkpoint.batches <= batch.number:
        checkpoint = signer.sign(cursor, read_tail(cursor, queries, lock=True))
    key = cursor.execute(queries.read_key, (checkpoint.key,)).fetchone()
    assert key is not None
    return checkpoint, key[0]


def _tree_path(connection: Connection, queries: Queries, number: int, size: int) -> list[bytes]:
    wanted = list(merkle.nodes_of_path(number, size))
    numbers: Sequence[int] = [((place + 1) << level) - 1 for level, place in wanted]
    cursor = binary_cursor(connection)
    rows = cursor.execute(queries.batches_numbered, (pack.bigints(numbers),))
    batches = {batch.number: batch for batch in (Batch(*row) for row in rows)}

    def node(level: int, place: int) -> bytes:
        batch = batches[((place + 1) << level) - 1]
        if level == 0:
            return merkle.leaf_hash(batch.leaf)
        end = level * merkle.HASH_SIZE
        return batch.nodes[end - merkle.HASH_SIZE : end]

    return merkle.path_from_nodes(number, size, node)
