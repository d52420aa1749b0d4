-- Work that must happen because something else did, and that survives a restart.
-- It hangs on no person: the body names what to do, and handlers read people from the journal.

create schema jobs;

create table jobs.job (
    id           bigint generated always as identity primary key,
    kind         text not null,
    key          text,
    body         bytea not null,
    priority     smallint not null default 0,
    state        text not null default 'waiting'
                 check (state in ('waiting', 'running', 'done', 'dead', 'cancelled')),
    attempts     integer not null default 0,
    attempts_max integer not null check (attempts_max > 0),
    due_at       timestamptz not null,
    worker       text,
    lease_until  timestamptz,
    done         bigint not null default 0,
    total        bigint,
    cancel_asked boolean not null default false,
    problem      text,
    created_at   timestamptz not null,
    ended_at     timestamptz,
    constraint job_running_has_lease
        check ((state = 'running') = (worker is not null and lease_until is not null))
);

create unique index job_waiting_once on jobs.job (kind, key)
    where state = 'waiting' and key is not null;
create index job_due on jobs.job (kind, priority desc, due_at, id) where state = 'waiting';
create index job_leased on jobs.job (lease_until) where state = 'running';
create index job_ended on jobs.job (ended_at) where state in ('done', 'cancelled');
