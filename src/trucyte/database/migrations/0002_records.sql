-- Records: the search index over current resources, derived from the journal.
-- Fixed columns stand widest first, so that no row carries alignment padding.

create schema records;
create extension if not exists pg_trgm;

-- One row a current resource. Tokens, reference and parameters are keyed hashes;
-- what permission is decided by (person, organisation, sensitivity) has exact columns.
create table records.entry (
    seq bigint not null,
    last_updated bigint not null,      -- µs since 1970, UTC
    reference bigint not null,         -- keyed hash of its own Type/id, for joins
    person bigint not null,
    organisation bigint not null,      -- keyed hash of the responsible Organization, 0: none
    present bigint not null,           -- bit n: the type's parameter n has a value
    date_low bigint,                   -- the type's main date, half open, µs since 1970
    date_high bigint,
    quantity_low double precision,     -- the type's main quantity, closed
    quantity_high double precision,
    origin smallint not null,
    type smallint not null,            -- fhir.types.TYPE_NUMBERS
    sensitivity smallint not null,     -- 0 none, 1 restricted, 2 very restricted
    tokens bigint[] not null,
    constraint entry_pkey primary key (seq)
);
alter table records.entry alter column tokens set statistics 2000;
alter table records.entry alter column tokens set storage main;
create index entry_tokens on records.entry using gin (tokens)
    with (fastupdate = off);
create index entry_person on records.entry (person);
create index entry_date on records.entry (type, date_low);
create index entry_last_updated on records.entry using brin (last_updated)
    with (pages_per_range = 32);

-- Rows that were replaced, kept until no page token of an older position is valid.
create table records.ended (
    like records.entry,
    ended bigint not null,             -- seq of the version that replaced it
    ended_at bigint not null,
    constraint ended_pkey primary key (seq)
);
create index ended_reference on records.ended (reference);
create index ended_ended_at on records.ended (ended_at);

-- Positions before this one have lost rows: a page token of one is refused.
create table records.horizon (
    one boolean not null default true,
    seq bigint not null,
    constraint horizon_pkey primary key (one),
    constraint horizon_is_one_row check (one)
);
insert into records.horizon values (true, 0);

-- Dates beside the main one.
create table records.date (
    seq bigint not null,
    low bigint not null,
    high bigint not null,
    parameter integer not null
);
create index date_seq on records.date (seq);
create index date_low on records.date (parameter, low);

-- Numbers and quantities beside the main one. `components` has the token forms of the
-- composite's other part, where the value lies on a repeating element.
create table records.quantity (
    seq bigint not null,
    low double precision not null,
    high double precision not null,
    parameter integer not null,
    units bigint[] not null,
    components bigint[] not null
);
create index quantity_seq on records.quantity (seq);
create index quantity_low on records.quantity (parameter, low);

-- Strings, folded: without marks, in lower case.
create table records.text (
    seq bigint not null,
    parameter integer not null,
    value text collate "C" not null
);
create index text_seq on records.text (seq);
create index text_value on records.text (parameter, value);
create index text_trigrams on records.text using gin (value gin_trgm_ops);

-- Displays and texts of codes, each once: `:text` looks here for tokens.
create table records.phrase (
    token bigint not null,
    parameter integer not null,
    value text collate "C" not null,
    constraint phrase_pkey primary key (token)
);
create index phrase_value on records.phrase (parameter, value);

-- What a rebuild must give again: the side rows of current resources.
create view records.current_date as
    select side.* from records.date side join records.entry using (seq);
create view records.current_quantity as
    select side.* from records.quantity side join records.entry using (seq);
create view records.current_text as
    select side.* from records.text side join records.entry using (seq);
create view records.current_phrase as
    select side.* from records.phrase side
    join lateral (
        select 1 from records.entry where entry.tokens @> array[side.token] limit 1
    ) used on true;
