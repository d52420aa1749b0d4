-- The trail: who looked at whose data. A journal of its own, written by the journal's code,
-- so its tables are the journal's; its lines have no versions, hence there are no heads.

create schema audit;

-- `id` is the request, `person` the one person shown, 0 where none or several were.
create table audit.change (
    like journal.change including storage,
    constraint change_pkey primary key (seq)
) partition by range (seq);
create table audit.change_0 partition of audit.change for values from (1) to (10000001);

-- Who looked at a person, newest last.
create index change_person on audit.change (person, seq) where person <> 0;

create table audit.batch (like journal.batch including all);
create table audit.tail (like journal.tail including all) with (fillfactor = 10);
insert into audit.tail values (
    true, 0, 0, 'epoch', decode(repeat('00', 32), 'hex'), '', 1, 10000001, 10000000, 0, 'epoch'
);
create table audit.key (like journal.key including all);
create table audit.checkpoint (
    like journal.checkpoint including all,
    constraint checkpoint_key_fkey foreign key (key) references audit.key (id)
);
create table audit.erasure (like journal.erasure including all);
create table audit.cursor (like journal.cursor including all) with (fillfactor = 50);

-- The persons of a line that shows several, written in the line's own commit.
create table audit.shown (
    seq bigint not null,
    persons bigint[] not null,
    constraint shown_pkey primary key (seq)
);
create index shown_persons on audit.shown using gin (persons) with (fastupdate = off);
