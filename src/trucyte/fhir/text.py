"""JSON as bytes: what is checked at the door, and how an accepted body is spliced.

The received bytes are kept: element order and decimal digits stay. Only the id,
resolved references and a client's own `meta.versionId` and `meta.lastUpdated` are
spliced. `meta_offset` says where the server's version and time go when the body is
read: positive, just behind the `{` of a `meta` that is there; negative, the place
(made positive) where a whole `,"meta":{…}` is put in.

No byte is looked at by Python itself: the work is done by compiled patterns and the
JSON decoder, so a body of megabytes costs milliseconds.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from trucyte.base.problem import Kind, Problem

SIZE_MAX = 32 * 1024 * 1024
DEPTH_MAX = 100


class TooLarge(Problem):
    """The JSON has {size} bytes; at most {size_max} are accepted at once."""

    kind = Kind.TOO_LARGE
    code = "json-too-large"


class NotUtf8(Problem):
    """The text is not UTF-8 at byte {offset}."""

    code = "json-not-utf8"


class LoneSurrogate(Problem):
    r"""The escape at byte {offset} is half of a character: \uD800–\uDFFF come in pairs."""

    code = "json-lone-surrogate"


class NulCharacter(Problem):
    """The text holds a NUL character (U+0000) at byte {offset}."""

    code = "json-nul"


class NotJson(Problem):
    """The text is not JSON at byte {offset}."""

    code = "json-malformed"


class NumberOutOfRange(Problem):
    """The number at byte {offset} is too long to be read."""

    code = "json-number"


class TooDeep(Problem):
    """The JSON nests deeper than {depth_max} levels at byte {offset}."""

    code = "json-too-deep"


class NotAnObject(Problem):
    """The JSON is not an object at byte {offset}."""

    code = "json-not-object"


class DuplicateKey(Problem):
    """A property is given twice in one object, the second time at byte {offset}."""

    code = "json-duplicate-key"


class NoResourceType(Problem):
    """The JSON has no resourceType."""

    code = "json-no-resource-type"


@dataclass(frozen=True, slots=True)
class Scan:
    """A body that passed the door, parsed on the way (fractions as Decimal)."""

    resource: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Bytes as they will lie in the journal, and where `meta` goes."""

    body: bytes
    meta_offset: int


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRINGS = re.compile(_STRING, re.DOTALL)
_TOKENS = re.compile(rb"(" + _STRING + rb")(\s*:)?|[{}\[\]]", re.DOTALL)
# As far as every \\u escape is no NUL, no half of a pair, or a whole pair.
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_BACKSLASH = 0x5C
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_MALFORMED_AT = re.compile(r"\(byte (\d+)\)")
_HUGE_NUMBER = re.compile(rb"[0-9]{4000}|[eE][+-]?[0-9]{9}")

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def scan(body: bytes, *, depth_max: int = DEPTH_MAX, size_max: int = SIZE_MAX) -> Scan:
    """Refuse what no later step should ever meet, and return the parsed body.

    Raises a Problem of its own for each of: too many bytes, bad UTF-8, half a
    surrogate pair, NUL, malformed JSON or trailing text, nesting deeper than
    `depth_max`, anything but an object, a key given twice (R4 2.6.2: names unique).
    """
    if len(body) > size_max:
        raise TooLarge(size=len(body), size_max=size_max, offset=size_max)
    _check_characters(body)
    resource = _parsed(body, depth_max)
    # No more brackets than levels, wherever they stand, cannot nest too deep. A key that was
    # given twice takes its colon along when parsing loses it; those in strings stay, but
    # where an escape hid one.
    if body.count(b"{") + body.count(b"[") > depth_max:
        _check_depth(body, depth_max)
    kept = _ENCODER.encode(resource)
    if b"\\u" in body:
        colons = _skeleton(body).count(b":"), _skeleton(kept).count(b":")
    else:
        colons = body.count(b":"), kept.count(b":")
    if colons[0] != colons[1]:
        raise DuplicateKey(offset=_duplicate_at(body))
    return Scan(resource)


def _skeleton(body: bytes) -> bytes:
    """Return JSON without its strings."""
    return b"".join(_STRINGS.split(body))


def _check_depth(body: bytes, depth_max: int) -> None:
    """Take pairs of brackets away from within, level by level."""
    brackets = _skeleton(body).translate(None, _NOT_BRACKETS)
    for _ in range(depth_max):
        if not brackets:
            return
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    if brackets:
        raise TooDeep(depth_max=depth_max, offset=_deep_at(body, depth_max))


def _check_characters(body: bytes) -> None:
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise NotUtf8(offset=error.start) from None
    if b"\\u" in body and _SUSPECT_ESCAPE.search(body):
        _check_escapes(body)


def _check_escapes(body: bytes) -> None:
    paired = -1
    for match in _SUSPECT_ESCAPE.finditer(body):
        at = match.start()
        if at == paired or _is_escaped(body, at):
            continue
        if match[0].endswith(b"0000"):
            raise NulCharacter(offset=at)
        if not _PAIR.match(body, at):
            raise LoneSurrogate(offset=at)
        paired = at + 6  # the other half needs no look of its own


def _is_escaped(body: bytes, at: int) -> bool:
    """Say whether the backslash at `at` is the second of a pair, an odd number before it."""
    before = at
    while before and body[before - 1] == _BACKSLASH:
        before -= 1
    return (at - before) % 2 == 1


def _parsed(body: bytes, depth_max: int) -> dict[str, Any]:
    try:
        resource = _DECODER.decode(body)
    except RecursionError:
        raise TooDeep(depth_max=depth_max, offset=_deep_at(body, depth_max)) from None
    except (msgspec.ValidationError, InvalidOperation, TypeError):
        # Without a schema, only a number beyond Python's own limits comes here.
        number = _HUGE_NUMBER.search(body)
        raise NumberOutOfRange(offset=number.start() if number else 0) from None
    except msgspec.DecodeError as error:
        # How deep the decoder itself goes before it gives up differs between Pythons.
        if deep := _deep_at(body, depth_max):
            raise TooDeep(depth_max=depth_max, offset=deep) from None
        raise NotJson(offset=_malformed_at(str(error), body)) from None
    if not isinstance(resource, dict):
        raise NotAnObject(offset=len(body) - len(body.lstrip()))
    return resource


def _malformed_at(message: str, body: bytes) -> int:
    found = _MALFORMED_AT.search(message)
    if found is None:
        return len(body)  # truncated
    # The decoder names the byte behind the first one that is too much.
    return int(found[1]) - ("trailing characters" in message)


def _deep_at(body: bytes, depth_max: int) -> int:
    depth = 0
    for match in _TOKENS.finditer(body):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
            if depth > depth_max:
                return match.start()
        elif token in (b"}", b"]"):
            depth -= 1
    return 0


def _duplicate_at(body: bytes) -> int:
    seen: list[set[Any]] = []
    for match in _TOKENS.finditer(body):
        token = match[0]
        if token in (b"{", b"["):
            seen.append(set())
        elif token in (b"}", b"]"):
            seen.pop()
        elif match[2]:
            key = _DECODER.decode(match[1])
            if key in seen[-1]:
                return match.start()
            seen[-1].add(key)
    return 0


# --- Splicing ---------------------------------------------------------------------------

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OPEN = re.compile(rb"\s*\{")
_KEY = re.compile(rb"\s*,?\s*(" + _STRING + rb")\s*:\s*", re.DOTALL)
_OWN_FIELDS = frozenset({"versionId", "lastUpdated"})  # the server's own in `meta`
_EMPTY_REST = re.compile(rb"\s*\}")

# Elements of type uri, url, oid and uuid (R4 3.1.0.11.2) whose names no other type
# uses, besides `reference`, `url` and `uri`. Canonicals are never rewritten, and an
# Identifier's `value` is a string.
_LINK_NAMES = (
    rb"reference|url|uri|valueUri|valueUrl|valueUuid|valueOid|sourceUri|targetUri|"
    rb"derivedFromUri|eventUri|definitionUri|moduleUri|nameUrl|onlineInformation|rendering"
)
_LINKS = re.compile(
    rb'(?<!\\)"(?:(?:' + _LINK_NAMES + rb")\"\s*:\s*(" + _STRING + rb")"
    rb'|div"\s*:\s*(' + _STRING + rb"))",
    re.DOTALL,
)
_NARRATIVE_LINKS = re.compile(rb"""\b(?:href|src)\s*=\s*(?:\\"([^"\\]*)\\"|'([^'\\]*)')""")


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    start: int  # of the key's quote
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: bytes


def accept(
    body: bytes,
    *,
    id: str | None = None,
    references: Mapping[str, str] | None = None,
    resource: Mapping[str, Any] | None = None,
) -> Accepted:
    """Splice the id and resolved references into a body that passed `scan`.

    `references` maps what a link says now (`urn:uuid:…`, a conditional reference) to
    what it shall say. All other bytes stay. `resource` is what `scan` made of the body, if
    it is at hand: most bodies then need no further look. Raises `NoResourceType`, or
    `NotAnObject` where `meta` is something else.
    """
    if resource is not None and not references:
        usual = _accept_usual(body, id, resource)
        if usual is not None:
            return usual
    return _accept_any(body, id, references)


def _accept_any(body: bytes, id: str | None, references: Mapping[str, str] | None) -> Accepted:
    members = {member.key: member for member in _members(body, 0, len(body))}
    if "resourceType" not in members:
        raise NoResourceType()
    splices = list(_link_splices(body, references)) if references else []
    anchor = members["resourceType"].end
    if "id" in members:
        anchor = members["id"].end
        if id is not None and _DECODER.decode(body[members["id"].value : anchor]) != id:
            splices.append(_Splice(members["id"].value, anchor, _ENCODER.encode(id)))
    elif id is not None:
        splices.append(_Splice(anchor, anchor, b',"id":' + _ENCODER.encode(id)))
    if "meta" not in members:
        spliced, offset = _spliced(body, splices, anchor)
        return Accepted(spliced, -offset)
    meta = members["meta"]
    if body[meta.value : meta.value + 1] != b"{":
        raise NotAnObject(offset=meta.value)
    inner = list(_members(body, meta.value, meta.end))
    if inner and all(member.key in _OWN_FIELDS for member in inner):
        # Nothing of the client's is left in it, and an object is never empty (R4 2.6.2).
        splices.append(_without(meta, list(members.values())))
        spliced, offset = _spliced(body, splices, anchor)
        return Accepted(spliced, -offset)
    splices += _own_fields(inner)
    return Accepted(*_spliced(body, splices, meta.value + 1))


# Type, id and `meta` in front and without blanks, as nearly all programs write them.
_USUAL = re.compile(
    rb'\{"resourceType":"[A-Za-z]+","id":"([A-Za-z0-9\-.]+)"'
    rb'(,"meta":\{(?:("versionId":"[^"\\]*+","lastUpdated":"[^"\\]*+")([,}]))?)?'
)


def _accept_usual(body: bytes, id: str | None, resource: Mapping[str, Any]) -> Accepted | None:
    """Accept a body that begins as most do; None where all its members must be looked at."""
    front = _USUAL.match(body)
    if front is None or (id is not None and front[1] != id.encode()):
        return None
    anchor = front.end(1) + 1
    if "meta" not in resource:
        return Accepted(body, -anchor)
    if front[2] is None:
        return None
    if front[3] is None:
        is_whole = type(resource["meta"]) is dict and _OWN_FIELDS.isdisjoint(resource["meta"])
        return Accepted(body, front.end(2)) if is_whole else None
    if front[4] == b"}":
        return Accepted(body[:anchor] + body[front.end() :], -anchor)
    return Accepted(body[: front.start(3)] + body[front.end() :], front.start(3))


def without_own_fields(resource: dict[str, Any]) -> dict[str, Any]:
    """Return what `accept` leaves of a parsed resource: its `meta` without the server's own."""
    meta = resource.get("meta")
    if not isinstance(meta, dict) or _OWN_FIELDS.isdisjoint(meta):
        return resource
    left = {key: value for key, value in meta.items() if key not in _OWN_FIELDS}
    kept = {key: value for key, value in resource.items() if key != "meta"}
    return kept | {"meta": left} if left else kept


def _without(member: _Member, among: Sequence[_Member]) -> _Splice:
    """Return what cuts a member with the comma before it, as `with_fields` puts it in.

    It is not the only one; the first goes with the comma behind it.
    """
    place = among.index(member)
    if place:
        return _Splice(among[place - 1].end, member.end, b"")
    return _Splice(member.start, among[1].start, b"")


def _members(body: bytes, start: int, end: int) -> Iterator[_Member]:
    """Find the members of the object at `start` without looking inside their values."""
    opening = _OPEN.match(body, start)
    if opening is None:
        raise NotAnObject(offset=start)
    at = opening.end()
    for key, raw in _MEMBERS.decode(memoryview(body)[start:end]).items():
        match = _KEY.match(body, at)
        if match is None:
            raise DuplicateKey(offset=at)
        at = match.end() + len(memoryview(raw))
        yield _Member(key, match.start(1), match.end(), at)
    if _EMPTY_REST.match(body, at) is None:
        raise DuplicateKey(offset=at)


def _own_fields(members: Sequence[_Member]) -> Iterator[_Splice]:
    """Cut `versionId` and `lastUpdated`, each with one comma."""
    kept = [n for n, member in enumerate(members) if member.key not in _OWN_FIELDS]
    last = kept[-1] if kept else -1
    for number, member in enumerate(members[: last + 1]):
        if number not in kept:
            yield _Splice(member.start, members[number + 1].start, b"")
    if last + 1 < len(members):
        start = members[last].end if kept else members[0].start
        yield _Splice(start, members[-1].end, b"")


def _link_splices(body: bytes, references: Mapping[str, str]) -> Iterator[_Splice]:
    for match in _LINKS.finditer(body):
        if match[1] is None:
            yield from _narrative_splices(body, match.start(2), match.end(2), references)
            continue
        link = _DECODER.decode(match[1]) if b"\\" in match[1] else match[1][1:-1].decode()
        target = references.get(link)
        if target is not None:
            yield _Splice(match.start(1), match.end(1), _ENCODER.encode(target))


def _narrative_splices(
    body: bytes, start: int, end: int, references: Mapping[str, str]
) -> Iterator[_Splice]:
    for match in _NARRATIVE_LINKS.finditer(body, start, end):
        group = 1 if match[1] is not None else 2
        target = references.get(match[group].decode())
        if target is not None:
            yield _Splice(match.start(group), match.end(group), _ENCODER.encode(target)[1:-1])


def _spliced(body: bytes, splices: list[_Splice], offset: int) -> tuple[bytes, int]:
    """Return the new bytes and where the old `offset` is in them (behind what is put there)."""
    if not splices:
        return body, offset
    parts: list[bytes] = []
    at = 0
    moved = offset
    for splice in sorted(splices, key=lambda splice: splice.start):
        if splice.start < at:
            continue  # a link inside a value that goes away as a whole
        parts += (body[at : splice.start], splice.text)
        at = splice.end
        if splice.end <= offset:
            moved += len(splice.text) - (splice.end - splice.start)
    parts.append(body[at:])
    return b"".join(parts), moved


def with_meta(body: bytes, meta_offset: int, version: int, last_updated: str) -> bytes:
    """Return `body` with the server's version and time put in, without parsing.

    `last_updated` is a FHIR instant.
    """
    return with_fields(body, meta_offset, meta_fields(version, last_updated))


def meta_fields(version: int, last_updated: str) -> bytes:
    """Return the server's own fields of `meta`, which many bodies may share."""
    return b'"versionId":"%d","lastUpdated":"%b"' % (version, last_updated.encode())


def with_fields(body: bytes, meta_offset: int, fields: bytes) -> bytes:
    """Return `body` with the fields of `meta_fields` put in."""
    if meta_offset < 0:
        return b'%b,"meta":{%b}%b' % (body[:-meta_offset], fields, body[-meta_offset:])
    comma = b"" if _EMPTY_REST.match(body, meta_offset) else b","
    return b"%b%b%b%b" % (body[:meta_offset], fields, comma, body[meta_offset:])


_HEAD = b'{"resourceType":"","id":"'


def accept_own(resource: Mapping[str, Any]) -> Accepted:
    """Write a resource that this program made: `resourceType`, `id` and `meta` come first.

    Numbers are int or Decimal, so that `72.50` stays `72.50`. The id must be there.
    A `meta` with a version or time of its own loses them.
    """
    kind: str = resource["resourceType"]
    id: str = resource["id"]
    ordered: dict[str, Any] = {"resourceType": kind, "id": id}
    offset = len(_HEAD) + len(kind) + len(id) + 1
    meta = resource.get("meta")
    if meta is None:
        offset = -offset
    else:
        if "versionId" in meta or "lastUpdated" in meta:
            own = ("versionId", "lastUpdated")
            meta = {key: value for key, value in meta.items() if key not in own}
        ordered["meta"] = meta
        offset += len(b',"meta":{')
    ordered.update(resource)
    if meta is not None:
        ordered["meta"] = meta
    return Accepted(_ENCODER.encode(ordered), offset)
