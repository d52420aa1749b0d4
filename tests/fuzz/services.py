"""Targets beyond the language: views, packages, value sets, claims files."""

import base64
import gzip
import io
import re
from collections.abc import Iterator
from datetime import date

from tests.claims_files import envelope, visit, zipped
from tests.claims_round_trip import KEY, NoLists, Shelf, write
from tests.fuzz import seeds
from tests.fuzz.language import FHIR_WORDS, PATH_WORDS, definitions, library
from tests.fuzz.target import ENCODER, Check, Json, Shape, Target, document, encoded
from tests.support.profiles import tgz
from trucyte.base.problem import Problem
from trucyte.fhir.package import NotAPackage
from trucyte.fhir.packages.codes import PackageTerminology
from trucyte.fhir.packages.library import in_order
from trucyte.fhir.packages.read import read_package
from trucyte.fhir.path.units.ucum import read_unit
from trucyte.fhir.text import scan
from trucyte.fhir.validate import Validator
from trucyte.fhir.view.definition import read_view
from trucyte.insight.views.formats import Format, line_of
from trucyte.insight.views.run import prepare
from trucyte.intake.claims.mapping import TableMapping
from trucyte.intake.claims.read import VisitReader
from trucyte.intake.limits import DEFAULT
from trucyte.intake.piece import Form
from trucyte.intake.reading import Reading
from trucyte.intake.unreadable import Unreadable
from trucyte.shared.terminology.compose import Composer
from trucyte.shared.terminology.concept import read_concepts
from trucyte.shared.terminology.members import Members
from trucyte.shared.terminology.problems import ValueSetUnknown
from trucyte.shared.terminology.system import SystemContent

# --- views ------------------------------------------------------------------------------


def make_view() -> Check:
    """Compile a view both ways, and make rows by closures."""

    def check(data: bytes) -> None:
        case = document(data) or {}
        try:
            view = read_view(ENCODER.encode(case.get("view")), definitions())
            prepared = prepare(view, definitions())
        except Problem as problem:
            assert problem.message
            return
        resources = case.get("resources")
        for resource in resources if isinstance(resources, list) else ():
            try:
                found = scan(ENCODER.encode(resource)).resource
                for row in prepared.rows.of(found):
                    for form in (Format.NDJSON, Format.CSV):
                        line_of(prepared.fields, row, form)
            except Problem as problem:
                assert problem.message

    return check


def view_seeds() -> Iterator[bytes]:
    yield from encoded({"view": view, "resources": found} for view, found in seeds.views())


VIEW_WORDS = (
    *PATH_WORDS, "forEach", "forEachOrNull", "repeat", "unionAll", "select", "column", "where",
    "constant", "collection", "tag", "ansi/type", "DECIMAL(38,18)", "%rowIndex", "valueString",
    "getReferenceKey(Patient)", "getResourceKey()",
)  # fmt: skip


# --- packages ---------------------------------------------------------------------------

_BLOCK = 512


def make_package() -> Check:
    """Read an archive (zipped, or a tar that is zipped here), and use all that is in it."""

    def check(data: bytes) -> None:
        packed = data if data[:2] == b"\x1f\x8b" else gzip.compress(_mended(data), 1)
        try:
            package = read_package(packed)
            package.read_whole()
        except NotAPackage as problem:
            assert problem.message
            return
        in_order([package, package])
        known = library()
        known.add_package(package)
        codes = PackageTerminology(known)
        for one in package.definitions:
            _use(known, codes, one)

    return check


def _use(known, codes: PackageTerminology, one) -> None:
    if one.type == "StructureDefinition":
        try:
            known.structure(one.url)
        except Problem as problem:
            assert problem.message
    codes.member_of(one.url, None, "A")
    codes.has_code(one.url, "A")


def _mended(tar: bytes) -> bytes:
    """Give every header the sum it should have, so that changes get behind it."""
    blocks = [tar[at : at + _BLOCK] for at in range(0, len(tar), _BLOCK)]
    for number, block in enumerate(blocks):
        if block[257:262] == b"ustar" and len(block) == _BLOCK:
            total = sum(block[:148]) + sum(block[156:]) + 8 * 32
            blocks[number] = block[:148] + b"%06o\0 " % total + block[156:]
    return b"".join(blocks)


def package_seeds() -> Iterator[bytes]:
    manifest = {"name": "a", "version": "1.0.x", "dependencies": {"hl7.fhir.r4.core": "4.0.1"}}
    files = {"package/package.json": ENCODER.encode(manifest)}
    for number, one in enumerate([seeds.VALUE_SET, seeds.CODE_SYSTEM, seeds.PROFILES[2]]):
        files[f"package/{number}.json"] = ENCODER.encode(one)
    yield gzip.decompress(tgz(files))
    yield tgz(dict(list(files.items())[:2]))
    yield gzip.decompress(tgz(dict(list(files.items())[:2])))


# --- value sets -------------------------------------------------------------------------


class _Finder:
    """Code systems and value sets of one input."""

    def __init__(self, case: Json, check: Validator) -> None:
        found = [one for one in case.get("known", []) if isinstance(one, dict)]
        # What is kept has passed the check of structure.
        sound = [one for one in found if not check.check(one) and "url" in one]
        self.systems = {one["url"]: one for one in sound if one["resourceType"] == "CodeSystem"}
        self._made: dict[str, Members] = {}
        self.sets = {one["url"]: one for one in sound if one["resourceType"] == "ValueSet"}

    def system(self, url: str, on: date | None, version: str = "") -> SystemContent | None:
        one = self.systems.get(url)
        return None if one is None else SystemContent(url, "1", read_concepts(one))

    def members(self, url: str, on: date | None, within: tuple[str, ...]) -> Members:
        if url not in self.sets:
            raise ValueSetUnknown(url=url)
        if url not in self._made:  # kept, as the node's library keeps them
            composer = Composer(self, on, (*within, url))
            self._made[url] = composer.compose(self.sets[url].get("compose", {}))
        return self._made[url]


def make_compose() -> Check:
    """Compose value sets by the node's terminology and by that of packages."""
    validator = Validator(definitions())

    def check(data: bytes) -> None:
        case = document(data) or {}
        if not isinstance(case.get("known"), list):
            return
        finder = _Finder(case, validator)
        for url in finder.sets:
            try:
                members = finder.members(url, date(2026, 2, 15), ())
                members.find(None, "A")
                members.matching("á b")
            except Problem as problem:
                assert problem.message
        known = library(*(one for one in case["known"] if _has_head(one)))
        codes = PackageTerminology(known, lambda text: read_unit(text) is not None)
        asked = [*_codes(case["known"]), "A1"]
        for one in known.added("ValueSet"):
            for system in (None, "http://test.vn/CodeSystem/c", "http://unitsofmeasure.org"):
                for code in asked:
                    codes.member_of(one.url, system, code)
        for one in known.added("CodeSystem"):
            codes.displays(one.url, "A")
            codes.subsumes(one.url, "A", "A1")

    return check


def _codes(known: list[Json]) -> list[str]:
    """Return the first codes there are, to ask for."""
    concepts = [one.get("concept") for one in known if isinstance(one, dict)]
    found = [inner for one in concepts if isinstance(one, list) for inner in one[:5]]
    return [one["code"] for one in found if isinstance(one, dict) and _is_text(one.get("code"))]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _has_head(one: object) -> bool:
    head = ("resourceType", "id", "url", "version")
    return (
        isinstance(one, dict)
        and bool(one.get("resourceType"))
        and all(isinstance(one.get(key, ""), str) for key in head)
    )


def compose_seeds() -> Iterator[bytes]:
    other = {
        **seeds.VALUE_SET,
        "url": "http://test.vn/ValueSet/w",
        "compose": {"include": [{"valueSet": ["http://test.vn/ValueSet/v"]}]},
    }
    expanded = {
        "resourceType": "ValueSet", "url": "http://test.vn/ValueSet/e", "status": "active",
        "expansion": {"contains": [{"system": "urn:a", "code": "A", "contains": [{"code": "B"}]}]},
    }  # fmt: skip
    yield from encoded([
        {"known": [seeds.VALUE_SET, seeds.CODE_SYSTEM]},
        {"known": [seeds.VALUE_SET, seeds.CODE_SYSTEM, other]},
        {"known": [expanded]},
    ])  # fmt: skip


COMPOSE_WORDS = (
    *FHIR_WORDS, "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "=",
    "exists", "concept", "code", "parent", "child", "display", "property", "filter", "op",
    "http://test.vn/CodeSystem/c", "http://test.vn/ValueSet/v", "http://test.vn/ValueSet/w",
    "(a|b)*$", "[A-Z]{1,9}", "A,B",
)  # fmt: skip


# --- claims -----------------------------------------------------------------------------

_INLINE = re.compile(rb"(?<=<NOIDUNGFILE>)([A-Za-z0-9+/=\s]{8,})(?=</NOIDUNGFILE>)")


def make_claims() -> Check:
    """Read a claims file visit by visit, and write each in FHIR that is valid."""
    reader, mapping = VisitReader(DEFAULT), TableMapping(KEY, NoLists())
    validator = Validator(definitions())

    def check(data: bytes) -> None:
        for piece in Reading(io.BytesIO(data), DEFAULT):
            if piece.problem is not None:
                assert piece.problem.message
                continue
            if piece.form not in (Form.HOSO, Form.CHECKOUT):
                continue
            try:
                found = reader.read(piece)
            except Unreadable as problem:
                assert problem.message
                continue
            for resource in write(mapping, found, Shelf()):
                issues = [one for one in validator.check(resource) if one.severity.name == "ERROR"]
                assert not issues, issues[:3]

    return check


def claims_seeds() -> Iterator[bytes]:
    yield envelope([visit(inline=True), visit(2, inline=True)])
    yield envelope([visit(1)])
    yield zipped({"a.xml": envelope([visit(inline=True)])})
    folder = seeds.SUITES.parent / "reference" / "samples"
    for path in sorted(folder.glob("*.xml")) if folder.exists() else ():
        data = path.read_bytes()
        opened = _INLINE.sub(lambda match: _without_head(base64.b64decode(match[1])), data)
        if len(opened) < 30_000:
            yield opened


def _without_head(document: bytes) -> bytes:
    return document.removeprefix(b"\xef\xbb\xbf").partition(b"?>")[2] or document


CLAIM_WORDS = (
    "<HOSO>", "</HOSO>", "<FILEHOSO>", "<NOIDUNGFILE>", "<LOAIHOSO>XML3</LOAIHOSO>", "<TONG_HOP>",
    "<MA_LK>LK-1</MA_LK>", "<![CDATA[", "]]>", "<!--", "-->", "<?xml", "<!DOCTYPE a>", "&amp;",
    "<NGAY_VAO>202613990000</NGAY_VAO>", "<GIOI_TINH>9</GIOI_TINH>", "<T_BHTT>-1.5e9</T_BHTT>",
    "<MA_BENH_CHINH>A00</MA_BENH_CHINH>", "<SO_LUONG>1,5</SO_LUONG>", "\ufeff",
    "<CAN_NANG>x</CAN_NANG>",
    "<KET_LUAN>", "<CHI_TIET_DICH_VU>", "<DSACH_CHI_TIET_CLS>", "&#1;",
    "<MA_BENH_KT>A;B;;</MA_BENH_KT>",
)  # fmt: skip

TARGETS = (
    Target("view", Shape.JSON, make_view, view_seeds, VIEW_WORDS),
    Target("package", Shape.BYTES, make_package, package_seeds,
           ("ustar", "package/", "package/package.json", "resourceType", "StructureDefinition"),
           16384),
    Target("compose", Shape.JSON, make_compose, compose_seeds, COMPOSE_WORDS),
    Target("claims", Shape.MARKUP, make_claims, claims_seeds, CLAIM_WORDS, 32768),
)  # fmt: skip
