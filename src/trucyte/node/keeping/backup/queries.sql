-- tables
-- Tables of this program, each with the columns that hold data; not the partitions of others.
select n.nspname || '.' || c.relname,
    array_agg(a.attname::text order by a.attnum),
    pg_total_relation_size(c.oid) + coalesce((
        select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = c.oid
    ), 0)::bigint
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and not c.relispartition
    and n.nspname not like 'pg\_%' and n.nspname not in ('information_schema', 'public')
group by n.nspname, c.relname, c.oid
order by 1

-- references
-- Which table names rows of which other, and how that is written.
select child.relnamespace::regnamespace || '.' || child.relname,
    parent.relnamespace::regnamespace || '.' || parent.relname,
    conname::text, pg_get_constraintdef(pg_constraint.oid)
from pg_constraint
join pg_class child on child.oid = conrelid
join pg_class parent on parent.oid = confrelid
where contype = 'f' and conparentid = 0

-- indexes
-- Those that no constraint needs: built once all rows are there, in a fraction of the time.
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
where c.relnamespace::regnamespace || '.' || t.relname = any(%s)
    and not c.relispartition
    and not exists (select from pg_constraint where conindid = i.indexrelid)

-- identities
-- Columns that count by themselves; some count downwards.
select n.nspname || '.' || c.relname, a.attname::text, s.seqincrement < 0
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attidentity <> ''
join pg_sequence s on s.seqrelid
    = pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname)::regclass
where n.nspname || '.' || c.relname = any(%s)

-- positions
-- Of erasures the last before which all are done: a later list begins behind it. Of originals
-- the last before which none is still arriving: a number is given before its bytes are here.
select journal.last_seq, journal.epoch, audit.last_seq,
    (select coalesce(
        min(number) filter (where finished_at is null) - 1, max(number), 0
    ) from journal.erasing),
    (select max(number) from database.migration),
    (select coalesce(
        min(number) filter (where received_at > now() - interval '6 hours') - 1, max(number), 0
    ) from intake.source)
from journal.tail as journal, audit.tail as audit

-- heads
-- What is current: the lines that no other names as the version before it.
insert into journal.head (key, seq, version, operation)
select journal.head_key(origin, type, id), seq, version, operation
from journal.change
where not exists (select from journal.change later where later.previous = change.seq)

-- batch_at
select last_seq from journal.batch where at <= %s order by last_seq desc limit 1

-- batches_from
select last_seq, first_seq, number, at, root, chain, nodes from journal.batch
where last_seq <= %s order by number

-- cut_tail
update journal.tail set last_seq = %s, batches = %s, at = %s, chain = %s, peaks = %s,
    checkpoint_batches = %s

-- mark
create table database.restoring (since timestamptz not null)

-- unmark
drop table database.restoring

-- is_marked
select to_regclass('database.restoring') is not null

-- own_schemas
select nspname::text from pg_namespace
where nspname = any(array[
    'access', 'audit', 'database', 'identity', 'intake', 'jobs', 'journal', 'records',
    'subscriptions', 'terminology'
]::name[])

-- is_empty
select (select last_seq = 0 from journal.tail) and (select last_seq = 0 from audit.tail)
    and not exists (select from intake.source)

-- spare_keys
-- Keys that the newest backup has no more: what they sealed was erased by law.
delete from journal.body_key
where not exists (select from kept_key where kept_key.number = body_key.number)

-- lost_parts
-- Originals whose source is gone by now.
delete from intake.part
where not exists (select from intake.source where source.number = part.source)

-- plan_of_index
-- What the search index has for each resource: where this changed, rows made before miss some.
select md5(
    coalesce((select string_agg(id || ' ' || seq || ' ' || body, ' ' order by id)
        from records.parameter), '')
    || coalesce((select string_agg(stamp::text, ' ') from records.plan), '')
    || coalesce((select seq::text from journal.cursor where name = 'records.index'), '')
)

-- cut_lines
delete from journal.change where seq > %s

-- cut_batches
delete from journal.batch where last_seq > %s

-- cut_erasures
delete from journal.erasure where seq > %s

-- cut_blocks
delete from journal.block where seq > %s

-- cut_checkpoints
delete from journal.checkpoint where last_seq > %s
