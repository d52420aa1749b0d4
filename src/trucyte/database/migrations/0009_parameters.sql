-- Search parameters that users post, and how far the index has their values.

-- One row a SearchParameter of this node that is in force, or is leaving the index.
create table records.parameter (
    id text not null,                  -- of the SearchParameter
    seq bigint not null,               -- the line that brought it: rows before it lack its values
    walked bigint not null,            -- rows up to here have been written anew
    done bigint not null,              -- rows so far, of about `total`
    total bigint not null,
    rate integer not null,             -- rows a second, of late
    state smallint not null,           -- 1 building, 2 ready, 3 leaving, 4 stopped
    sides integer[] not null,          -- its numbers in the side tables, and those it had
    types text[] not null,             -- whose rows have, or had, its values
    body text not null,                -- the SearchParameter as accepted
    constraint parameter_pkey primary key (id)
);

-- Another stamp whenever something else is in force; each writer looks under the journal's lock.
create table records.plan (
    one boolean not null default true,
    stamp bigint not null,             -- random: one that was rolled back never comes again
    seq bigint not null,               -- the last line that was looked at for it
    constraint plan_pkey primary key (one),
    constraint plan_is_one_row check (one)
);
-- What was posted before had no effect, and has none until it is put again.
insert into records.plan select true, 0, last_seq from journal.tail;
