-- Alerts over the trail: which were raised, so that none is raised twice, and the list of
-- persons at whom every look by a stranger is asked about.

create table audit.raised (
    key text collate "C" not null,          -- rule/period/account
    at timestamptz not null,
    constraint raised_pkey primary key (key)
);
create index raised_at on audit.raised (at);

create table audit.watched (
    number bigint generated always as identity,
    person bigint not null,                 -- key
    reason text not null,
    by text collate "C" not null,           -- account
    at timestamptz not null,
    ended_at timestamptz,
    ended_by text collate "C" not null default '',
    constraint watched_pkey primary key (number)
);
create unique index watched_person on audit.watched (person) where ended_at is null;
