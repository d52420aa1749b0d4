-- Emergencies, releases, alerts, and which set of access rules was in force since when.

create table access.emergency (
    number bigint generated always as identity,
    account text collate "C" not null,
    organisation text collate "C" not null,
    person bigint not null,                 -- key
    patient text collate "C" not null,      -- id of the Patient it was opened at
    ground text collate "C" not null,
    reason text not null,
    opened_at timestamptz not null,
    until_at timestamptz not null,
    due_at timestamptz not null,            -- when its review is due
    reviewed_by text collate "C" not null default '',
    reviewed_at timestamptz,
    verdict text collate "C" not null default '',
    review text not null default '',
    constraint emergency_pkey primary key (number),
    constraint emergency_by_another check (reviewed_by <> account)
);

create index emergency_open on access.emergency (account, until_at);
create index emergency_waiting on access.emergency (due_at) where reviewed_by = '';

create table access.release (
    number bigint generated always as identity,
    account text collate "C" not null,      -- who may read by it
    purpose text collate "C" not null,
    what_for text not null,
    asked_by text collate "C" not null,
    asked_at timestamptz not null,
    until_at timestamptz not null,
    state text collate "C" not null default 'asked',
    decided_by text collate "C" not null default '',
    decided_at timestamptz,
    constraint release_pkey primary key (number),
    constraint release_by_two check (
        state in ('asked', 'refused', 'ended') or decided_by not in (asked_by, account)
    )
);

create index release_open on access.release (account, purpose) where state = 'open';

create table access.alert (
    number bigint generated always as identity,
    kind text collate "C" not null,
    about text collate "C" not null,        -- emergency/12
    raised_at timestamptz not null,
    person bigint not null default 0,       -- to whom: a person's key,
    role text collate "C" not null default '',  -- or those of a role
    organisation text collate "C" not null default '',
    evidence text[] not null default '{}',  -- ids of entries of the trail
    state text collate "C" not null default 'open',
    reason text not null default '',
    moved_by text collate "C" not null default '',
    moved_at timestamptz,
    constraint alert_pkey primary key (number),
    constraint alert_to_someone check ((person = 0) <> (role = ''))
);

create index alert_person on access.alert (person) where person <> 0;
create index alert_role on access.alert (role, state) where role <> '';

create table access.rule_set (
    number bigint generated always as identity,
    digest text collate "C" not null,       -- SHA-256 of the rules in force from then on
    noted_at timestamptz not null,
    constraint rule_set_pkey primary key (number)
);
