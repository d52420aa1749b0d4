from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.database.jobs import Job, JobBell, JobLost, Jobs, JobUnknown, State, add_job
from trucyte.database.jobs import pause_seconds as pause


def added(database: Database, clock: FixedClock, kind: str = "send", **options: object) -> int:
    with database.connection() as connection:
        id = add_job(connection.cursor(), kind, b"{}", now=clock.now(), **options)  # type: ignore[arg-type] - options of one test each
    assert id is not None
    return id


def taken(jobs: Jobs, kind: str = "send") -> Job:
    job = jobs.take([kind])
    assert job is not None
    return job


@pytest.fixture
def jobs(database: Database, clock: FixedClock) -> Jobs:
    return Jobs(database, clock, worker="one")


def test_a_job_is_added_with_its_fact_or_not_at_all(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    with pytest.raises(ZeroDivisionError), database.connection() as connection:
        add_job(connection.cursor(), "send", b"lost", now=clock.now())
        raise ZeroDivisionError
    assert jobs.take(["send"]) is None
    id = added(database, clock)
    assert taken(jobs).id == id


def test_each_job_is_taken_once_however_many_workers_there_are(
    database: Database, clock: FixedClock
) -> None:
    expected = {added(database, clock) for _ in range(60)}

    def work(name: str) -> list[int]:
        jobs = Jobs(database, clock, worker=name)
        mine = []
        while job := jobs.take(["send"]):
            mine.append(job.id)
            jobs.finish(job)
        return mine

    with ThreadPoolExecutor(6) as pool:
        shares = list(pool.map(work, "abcdef"))
    everything = [id for share in shares for id in share]
    assert sorted(everything) == sorted(expected)


def test_the_urgent_comes_first_and_what_is_not_due_waits(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    later = added(database, clock, due_at=clock.now() + timedelta(minutes=5))
    plain = added(database, clock)
    urgent = added(database, clock, priority=5)
    first, second = taken(jobs), taken(jobs)
    assert [first.id, second.id] == [urgent, plain]
    jobs.finish(first)
    jobs.finish(second)
    assert jobs.take(["send"]) is None
    clock.advance(timedelta(minutes=5))
    assert taken(jobs).id == later


def test_a_key_that_waits_is_not_added_twice(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    added(database, clock, key="batch-1")
    with database.connection() as connection:
        assert add_job(connection.cursor(), "send", b"", now=clock.now(), key="batch-1") is None
    jobs.finish(taken(jobs))
    added(database, clock, key="batch-1")


def test_a_failed_job_waits_longer_each_time_and_is_then_laid_aside(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    id = added(database, clock, attempts_max=2)
    assert jobs.fail(taken(jobs), "peer-away") is State.WAITING
    assert jobs.take(["send"]) is None
    clock.advance(timedelta(seconds=3))
    assert jobs.fail(taken(jobs), "peer-away") is State.DEAD
    state = jobs.read(id)
    assert (state.state, state.attempts, state.problem) == (State.DEAD, 2, "peer-away")
    jobs.revive(id)
    assert taken(jobs).attempt == 1


def test_pauses_double_up_to_an_hour_and_are_spread() -> None:
    assert [pause(n, spread=0) for n in (1, 2, 3)] == [2, 4, 8]
    assert pause(50, spread=0) == 3600
    assert pause(1, spread=1) == 3


def test_the_job_of_a_worker_that_died_goes_to_another_and_is_lost_to_the_first(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    added(database, clock)
    mine = taken(jobs)
    other = Jobs(database, clock, worker="two")
    assert other.take(["send"]) is None
    clock.advance(timedelta(seconds=61))
    theirs = taken(other)
    assert (theirs.id, theirs.attempt) == (mine.id, 2)
    with pytest.raises(JobLost):
        jobs.finish(mine)
    with pytest.raises(JobLost):
        jobs.report(mine, done=1)
    other.finish(theirs)


def test_a_job_that_kills_its_workers_is_laid_aside(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    id = added(database, clock, attempts_max=1)
    taken(jobs)
    clock.advance(timedelta(seconds=61))
    assert jobs.take(["send"]) is None
    assert (jobs.read(id).state, jobs.read(id).problem) == (State.DEAD, "worker-lost")


def test_progress_is_kept_and_renews_the_lease(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    id = added(database, clock)
    job = taken(jobs)
    clock.advance(timedelta(seconds=50))
    assert jobs.report(job, done=5, total=10)
    clock.advance(timedelta(seconds=50))
    assert Jobs(database, clock, worker="two").take(["send"]) is None
    assert (jobs.read(id).done, jobs.read(id).total) == (5, 10)


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked_to_stop(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    waiting = added(database, clock)
    assert jobs.cancel(waiting) is State.CANCELLED
    running = added(database, clock)
    job = taken(jobs)
    assert jobs.cancel(running) is State.RUNNING
    assert not jobs.report(job, done=1)
    jobs.stop(job)
    assert jobs.read(running).state is State.CANCELLED
    with pytest.raises(JobUnknown):
        jobs.cancel(running)


def test_the_work_of_a_job_and_its_end_are_one_transaction(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    added(database, clock)
    job = taken(jobs)
    clock.advance(timedelta(seconds=61))
    taken(Jobs(database, clock, worker="two"))
    with pytest.raises(JobLost), database.connection() as connection:
        connection.execute("create table done_twice (n integer)")
        jobs.finish(job, connection.cursor())
    with database.connection() as connection:
        assert connection.execute("select to_regclass('done_twice')").fetchone() == (None,)


def test_an_idle_worker_hears_of_a_new_job_when_it_is_committed(
    database: Database, clock: FixedClock
) -> None:
    bell = JobBell(database)
    assert not bell.wait(0)
    added(database, clock)
    assert bell.wait(10)
    bell.close()


def test_old_jobs_are_swept_and_dead_ones_stay(
    database: Database, clock: FixedClock, jobs: Jobs
) -> None:
    added(database, clock)
    jobs.finish(taken(jobs))
    added(database, clock, attempts_max=1)
    jobs.fail(taken(jobs), "no")
    assert jobs.sweep(before=clock.now() + timedelta(seconds=1)) == 1
    assert jobs.counts() == {("send", State.DEAD): 1}
