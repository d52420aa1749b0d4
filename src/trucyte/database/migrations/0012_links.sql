-- Which Patients are one person: derived from the Linkages of the journal, so that whoever
-- reads one of them finds the records of all. Nothing else is ever rewritten for a link.

-- What the current Linkage of a pair of Patients says. Person keys, the lesser one first.
create table records.pair (
    linkage bigint not null,       -- keyed hash of the Linkage's own reference
    person bigint not null,
    other bigint not null,
    state smallint not null,       -- 1 linked, 2 different, 3 broken
    constraint pair_pkey primary key (linkage)
);
create index pair_person on records.pair (person);
create index pair_other on records.pair (other);

-- Everyone who is linked to another: those of one circle are one person.
create table records.linked (
    person bigint not null,
    circle bigint not null,        -- the least person key of the circle
    reference bigint not null,     -- keyed hash of the Patient's reference, as in records.entry
    node text collate "C" not null,  -- that first accepted the Patient; '' is this one
    id text collate "C" not null,
    constraint linked_pkey primary key (person)
);
create index linked_circle on records.linked (circle);
create index linked_reference on records.linked (reference);
