-- What the migrations build. Written by `make schema`; do not edit.

create schema database;

create schema jobs;

create table database.migration (
    number integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamp with time zone default now() not null
);

create table jobs.job (
    id bigint generated always as identity,
    kind text not null,
    key text,
    body bytea not null,
    priority smallint default 0 not null,
    state text default 'waiting'::text not null,
    attempts integer default 0 not null,
    attempts_max integer not null,
    due_at timestamp with time zone not null,
    worker text,
    lease_until timestamp with time zone,
    done bigint default 0 not null,
    total bigint,
    cancel_asked boolean default false not null,
    problem text,
    created_at timestamp with time zone not null,
    ended_at timestamp with time zone
);

alter table database.migration add constraint migration_pkey PRIMARY KEY (number);

alter table jobs.job add constraint job_attempts_max_check CHECK ((attempts_max > 0));

alter table jobs.job add constraint job_pkey PRIMARY KEY (id);

alter table jobs.job add constraint job_running_has_lease CHECK (((state = 'running'::text) = ((worker IS NOT NULL) AND (lease_until IS NOT NULL))));

alter table jobs.job add constraint job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'dead'::text, 'cancelled'::text])));

CREATE INDEX job_due ON jobs.job USING btree (kind, priority DESC, due_at, id) WHERE (state = 'waiting'::text);

CREATE INDEX job_ended ON jobs.job USING btree (ended_at) WHERE (state = ANY (ARRAY['done'::text, 'cancelled'::text]));

CREATE INDEX job_leased ON jobs.job USING btree (lease_until) WHERE (state = 'running'::text);

CREATE UNIQUE INDEX job_waiting_once ON jobs.job USING btree (kind, key) WHERE ((state = 'waiting'::text) AND (key IS NOT NULL));
