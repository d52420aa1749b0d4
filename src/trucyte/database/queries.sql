-- The queries of migrations and of the job table.

-- take_migration_lock
-- One program migrates at a time; the others wait here and then find nothing to do.
select pg_advisory_lock(hashtextextended('trucyte.database.migrate', 0))

-- release_migration_lock
select pg_advisory_unlock(hashtextextended('trucyte.database.migrate', 0))

-- is_migrated
select to_regclass('database.migration') is not null

-- is_restoring
-- The mark that a restore takes away when everything is proved.
select to_regclass('database.restoring') is not null

-- create_migration_table
create schema if not exists database;
create table if not exists database.migration (
    number     integer primary key,
    name       text not null,
    checksum   text not null,
    applied_at timestamptz not null default now()
);

-- read_migrations
select number, name, checksum from database.migration order by number

-- record_migration
insert into database.migration (number, name, checksum) values (%s, %s, %s)

-- add_job
-- The insert and its notification are part of the caller's transaction: no fact without
-- its follow-up, no follow-up without its fact. A key that still waits is not added twice.
insert into jobs.job (kind, key, body, priority, attempts_max, due_at, created_at)
values (%(kind)s, %(key)s, %(body)s, %(priority)s, %(attempts_max)s, %(due_at)s, %(now)s)
on conflict (kind, key) where state = 'waiting' and key is not null do nothing
returning id

-- notify_job
select pg_notify('jobs', %(kind)s)

-- take_job
-- Locked rows are passed over, so two workers never wait for nor take the same job. A job
-- whose worker died is due again when its lease is over, and counts as an attempt.
update jobs.job
   set state = 'running', attempts = attempts + 1, worker = %(worker)s,
       lease_until = %(lease_until)s
 where id = (
     select id
       from jobs.job
      where kind = any(%(kinds)s)
        and ((state = 'waiting' and due_at <= %(now)s)
             or (state = 'running' and lease_until < %(now)s and attempts < attempts_max))
      order by priority desc, due_at, id
      limit 1
        for update skip locked
 )
returning id, kind, body, attempts, attempts_max, cancel_asked

-- bury_lost_jobs
update jobs.job
   set state = case when cancel_asked then 'cancelled' else 'dead' end,
       problem = 'worker-lost', worker = null, lease_until = null, ended_at = %(now)s
 where state = 'running' and lease_until < %(now)s and attempts >= attempts_max

-- report_job
update jobs.job
   set done = %(done)s, total = %(total)s, lease_until = %(lease_until)s
 where id = %(id)s and state = 'running' and worker = %(worker)s and attempts = %(attempt)s
returning cancel_asked

-- end_job
update jobs.job
   set state = %(state)s, problem = %(problem)s, worker = null, lease_until = null,
       ended_at = %(now)s
 where id = %(id)s and state = 'running' and worker = %(worker)s and attempts = %(attempt)s
returning id

-- postpone_job
update jobs.job
   set state = 'waiting', problem = %(problem)s, worker = null, lease_until = null,
       due_at = %(due_at)s
 where id = %(id)s and state = 'running' and worker = %(worker)s and attempts = %(attempt)s
returning id

-- cancel_job
update jobs.job
   set cancel_asked = true,
       state = case when state = 'waiting' then 'cancelled' else state end,
       ended_at = case when state = 'waiting' then %(now)s else ended_at end
 where id = %(id)s and state in ('waiting', 'running')
returning state

-- revive_job
update jobs.job
   set state = 'waiting', attempts = 0, cancel_asked = false, problem = null,
       ended_at = null, due_at = %(now)s
 where id = %(id)s and state in ('dead', 'cancelled')
returning kind

-- read_job
select id, kind, state, done, total, attempts, attempts_max, problem, due_at, created_at, ended_at
  from jobs.job
 where id = %(id)s

-- count_jobs
select kind, state, count(*) from jobs.job group by kind, state order by kind, state

-- sweep_jobs
delete from jobs.job where state in ('done', 'cancelled') and ended_at < %(before)s
