-- Bodies sealed at rest, and bodies erased by law.

-- The generations of the secret that body keys are wrapped under. `proof` shows whether the
-- secret at hand is the one of this database, before anything is written with another.
create table journal.wrapping (
    generation smallint not null,
    proof bytea not null,
    made_at timestamptz not null,
    constraint wrapping_pkey primary key (generation)
);

-- The key that seals bodies of one person and retention class. Without its row, in every
-- copy of this database too, what it sealed is gone.
create table journal.body_key (
    number bigint generated always as identity,
    person bigint not null,          -- person key; of a source of class 1000 its number
    class smallint not null,         -- retention class, 0 where not yet classified
    generation smallint not null,    -- of the secret it is wrapped under
    wrapped bytea not null,
    constraint body_key_pkey primary key (number),
    constraint body_key_person_class_key unique (person, class)
);

alter table journal.body_key alter column wrapped set storage plain;

-- Everything of one person, what is deleted and what was replaced too.
create index change_person on journal.change (person);

-- Who had what erased, when, by which rule. The lines stand in journal.erasure.
create table journal.erasing (
    number bigint generated always as identity,
    at timestamptz not null,
    by text not null,
    rule text not null,
    article text not null,
    blocked_until timestamptz,       -- what is of others too, and originals: until their retention ends
    finished_at timestamptz,
    constraint erasing_pkey primary key (number)
);

-- What an erasure that is under way has still to do: resources, and whole persons.
create table journal.erasing_left (
    erasing bigint not null,
    person bigint not null,          -- 0 where a resource is named
    origin smallint not null,
    type smallint not null,          -- 0 where a person is named
    id text collate "C" not null,
    constraint erasing_left_pkey primary key (erasing, person, origin, type, id),
    constraint erasing_left_erasing_fkey foreign key (erasing) references journal.erasing (number)
);

-- 0 where the erasure is older than its record.
alter table journal.erasure add column erasing bigint not null default 0;

create index erasure_erasing on journal.erasure (erasing, seq);

-- What cannot be erased by itself and is not shown: a row of an original, or a line of the
-- journal that is others' too. Until their retention ends.
create table journal.block (
    source bigint not null,          -- 0 where a line is named
    source_row integer not null,     -- 0 for the whole source
    seq bigint not null,             -- 0 where a row of a source is named
    erasing bigint not null,
    until timestamptz,
    constraint block_pkey primary key (source, source_row, seq),
    constraint block_erasing_fkey foreign key (erasing) references journal.erasing (number)
);

create index block_seq on journal.block (seq) where seq <> 0;
