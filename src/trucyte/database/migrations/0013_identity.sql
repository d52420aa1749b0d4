-- Identity: what people are found by, derived from the journal, and the pairs that wait for
-- someone to decide. Fixed columns stand widest first.

create schema identity;

-- One row a current Patient of any origin: what matching compares, packed.
create table identity.person (
    seq bigint not null,               -- journal line of the version it is made of
    person bigint not null,            -- person key, for the trail
    origin smallint not null,
    id text collate "C" not null,
    fields bytea not null,
    constraint person_pkey primary key (seq)
);
create unique index person_id on identity.person (origin, id);

-- What a person can be found by: a keyed hash of each blocking key. Keys stand in rows of
-- their own so that a look-up can stop in the middle of one that too many share.
create table identity.key (
    hash bigint not null,
    seq bigint not null,
    constraint key_pkey primary key (hash, seq)
);

-- What the rows were made by. Where it is not what this program makes, they are made anew.
create table identity.form (
    one boolean not null default true,
    form text not null,
    is_whole boolean not null,         -- whether every Patient was laid out once
    constraint form_pkey primary key (one),
    constraint form_is_one_row check (one)
);
insert into identity.form values (true, '', false);

-- Two Patients that may be one person. Nothing personal: references, levels and bits alone.
-- `low` comes before `high` by (origin, id), so that a pair is there once.
create table identity.pair (
    number bigint generated always as identity,
    low_origin smallint not null,
    high_origin smallint not null,
    low_id text collate "C" not null,
    high_id text collate "C" not null,
    state text not null
        check (state in ('open', 'later', 'linked', 'different', 'broken', 'withdrawn')),
    weight real not null,              -- bits
    probability real not null,
    model text not null,
    rules text[] not null,             -- those that decided; none: the weight alone
    verdict text not null check (verdict in ('sure', 'unsure', 'different')),
    parts jsonb not null,              -- comparison, level, bits of each
    organisations bigint[] not null,   -- of both, when it was proposed
    proposed_at timestamptz not null,
    decided_at timestamptz,
    decided_by text not null default '',   -- account; the system's own decisions name the part
    constraint pair_pkey primary key (number),
    constraint pair_is_ordered
        check ((low_origin, low_id) < (high_origin, high_id)),
    constraint pair_key unique (low_origin, low_id, high_origin, high_id)
);
create index pair_high on identity.pair (high_origin, high_id);
create index pair_waiting on identity.pair (number) where state = 'open';
create index pair_organisations on identity.pair using gin (organisations)
    where state = 'open';
