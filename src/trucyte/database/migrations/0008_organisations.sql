-- On whose behalf resources were accepted. The journal's lines name their source; here
-- stands which organisation a source speaks for, so that a rebuild finds the same owners.

-- An organisation's number is the first eight bytes of a hash of its reference: whoever
-- makes conditions needs no look-up. Both being keys, two that share one cannot both be.
create table journal.organisation (
    number bigint not null,
    reference text collate "C" not null,   -- "Organization/<id>"
    constraint organisation_pkey primary key (number),
    constraint organisation_reference_key unique (reference)
);

-- `source_row` 0 is for a source as a whole; a row of its own wins over it. Once written a
-- line never changes: what it decided stays decided.
create table journal.behalf (
    source bigint not null,
    organisation bigint not null,
    source_row integer not null,
    is_sender boolean not null,            -- it logged in: nothing of another is taken from it
    constraint behalf_pkey primary key (source, source_row),
    constraint behalf_organisation_fkey foreign key (organisation)
        references journal.organisation (number)
);

-- What an account writes through the API has one standing source; files count upwards.
create table journal.standing (
    source bigint generated always as identity (start with -1 increment by -1 maxvalue -1),
    organisation bigint not null,
    account text collate "C" not null,
    constraint standing_pkey primary key (account, organisation),
    constraint standing_organisation_fkey foreign key (organisation)
        references journal.organisation (number)
);

-- All organisations on whose behalf a version or one before it was accepted: of what is
-- deleted, for which the index has no row.
create function journal.owners(seq bigint) returns bigint[]
    language sql stable strict parallel safe
    return (
        with recursive line (source, source_row, previous) as (
            select c.source, c.source_row, c.previous
            from journal.change c where c.seq = owners.seq
            union all
            select c.source, c.source_row, c.previous
            from line join journal.change c on c.seq = line.previous
        )
        select coalesce(array_agg(distinct own.organisation order by own.organisation), '{}')
        from line cross join lateral (
            select b.organisation from journal.behalf b
            where b.source = line.source and b.source_row in (0, line.source_row)
            order by b.source_row desc limit 1
        ) own
    );

-- The column that permission is decided by. What a body says of organisations is what a
-- sender wrote there, so the column that was filled from bodies goes.
alter table records.entry drop column organisation;
alter table records.ended drop column organisation;
alter table records.entry add column organisations bigint[] not null default '{}';
alter table records.ended add column organisations bigint[] not null default '{}';
create index entry_organisations on records.entry using gin (organisations)
    with (fastupdate = off);

-- For whom an account acts where that is not the facility it sends for.
alter table access.account add column organisation text collate "C" not null default '';
