-- What was received, kept byte for byte, and what became of each piece of it. What a
-- person's record says stands in the journal alone; here are only ids, codes and counts,
-- and the originals, which fall under the retention of the claim.

create schema intake;

create table intake.source (
    number bigint generated always as identity primary key,
    received_at timestamptz not null,
    finished_at timestamptz,
    size bigint not null default 0,
    resources bigint not null default 0,      -- versions newly written
    state smallint not null,                  -- 0 arriving, 1 waiting, 2 running, 3 done, 4 failed
    visits integer not null default 0,
    visits_total integer,                     -- as the sender announced
    errors integer not null default 0,
    warnings integer not null default 0,
    quarantined integer not null default 0,
    signed boolean not null default false,    -- CHUKYDONVI holds something; not yet verified
    name text not null,
    door text not null,
    variant text not null default '',
    facility text not null default '',
    transaction text unique,                  -- maGiaoDich
    digest bytea unique                       -- keyed hash of the bytes
);

create index source_open on intake.source (number) where state in (1, 2);

create table intake.part (
    source bigint not null references intake.source on delete cascade,
    place integer not null,                   -- 0, 1, 2 …
    size integer not null,                    -- bytes as they came
    body bytea not null,                      -- as intake.originals packs them
    primary key (source, place)
);

alter table intake.part alter column body set storage external;

create table intake.visit (
    source bigint not null,
    ordinal integer not null,
    resources integer not null,
    errors integer not null,
    warnings integer not null,
    outcome smallint not null,                -- 1 accepted, 2 unchanged, 3 superseded, 4 quarantined
    restricted boolean not null,
    link text not null,
    encounter text collate "C" not null,
    findings jsonb,                           -- [[rule, severity, table, row, field, facts], …]
    primary key (source, ordinal)
);

create index visit_findings on intake.visit (source, ordinal) where findings is not null;

create table intake.quarantine (
    number bigint generated always as identity primary key,
    source bigint not null,
    at timestamptz not null,
    resolved_at timestamptz,
    ordinal integer not null,
    size integer not null,                    -- bytes as they came
    tries integer not null default 1,
    made_on date,                             -- NGAYLAP of the envelope
    restricted boolean not null,
    form text not null,
    facility text not null,
    reason text not null,
    facts jsonb not null,
    body bytea not null,                      -- zstd
    unique (source, ordinal)
);

alter table intake.quarantine alter column body set storage external;

-- Which visit is the latest of a person's, by when it took place: an older one that
-- arrives late must not overwrite newer demographics. Derived from the journal's
-- Provenance lines by a projection, so that a rebuild gives the same rows.
create table intake.latest (
    person bigint not null,
    happened text collate "C" not null,       -- NGAY_RA or the next best, as written
    made_on text collate "C" not null,
    id text collate "C" not null,             -- "Patient/…" or "Coverage/…"
    primary key (id)
);
