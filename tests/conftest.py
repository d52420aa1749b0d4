"""Fixtures every kind of test shares: a fresh database, a still clock."""

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import psycopg.conninfo
import pytest
from psycopg import sql

from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database


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
