"""The named queries of this package."""

from typing import NamedTuple

from trucyte.database.queries import load_queries


class Queries(NamedTuple):
    """One query a field, as `queries.sql` has them."""

    take_migration_lock: str
    release_migration_lock: str
    is_migrated: str
    is_restoring: str
    create_migration_table: str
    read_migrations: str
    record_migration: str
    add_job: str
    notify_job: str
    take_job: str
    bury_lost_jobs: str
    report_job: str
    end_job: str
    postpone_job: str
    cancel_job: str
    revive_job: str
    read_job: str
    count_jobs: str
    sweep_jobs: str


QUERIES = load_queries(Queries, "trucyte.database")
