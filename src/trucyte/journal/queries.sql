-- hold_tail
-- Whoever holds this is the only writer, until its commit is visible: that makes seq dense
-- and visible in order. A lock of its own queues writers in the order they came and wakes
-- one at a time, which the row's lock does not.
select pg_advisory_xact_lock(hashtextextended('trucyte.journal.tail', 0))

-- read_tail
select last_seq, batches, at, chain, peaks, epoch, partition_end, partition_rows,
    checkpoint_batches, checkpoint_at
from journal.tail

-- read_heads
select key, version, seq, operation from journal.head where key = any(%s)

-- bound_asking
select set_config('statement_timeout', %s, true)

-- find_batch
-- Salted leaves make a root unique: it tells whether this very batch was committed.
select 1 from journal.batch where last_seq = %s and root = %s

-- copy_changes
copy journal.change (
    seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
) from stdin (format binary)

-- insert_heads
insert into journal.head (key, seq, version, operation)
select * from unnest(%s, %s, %s, %s)

-- update_heads
update journal.head
set seq = moved.seq, version = moved.version, operation = moved.operation
from unnest(%s, %s, %s, %s) as moved (key, seq, version, operation)
where head.key = moved.key

-- close_batch
with closed as (
    insert into journal.batch (last_seq, first_seq, number, at, root, chain, nodes)
    values (%s, %s, %s, %s, %s, %s, %s)
    returning last_seq, number, at, chain
), moved as (
    update journal.tail
    set last_seq = closed.last_seq, batches = closed.number + 1, at = closed.at,
        chain = closed.chain, peaks = %s
    from closed
)
-- Whoever tells holds a lock of the whole server until its commit is on the disk, so a
-- journal that nobody follows tells nobody.
select pg_notify('journal', last_seq::text) from closed where %s

-- move_partition_end
update journal.tail set partition_end = %s

-- insert_key
insert into journal.key (id, public, valid_from) values (%s, %s, %s) on conflict (id) do nothing

-- insert_checkpoint
insert into journal.checkpoint (batches, last_seq, at, epoch, root, chain, key, signature)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (epoch, batches) do nothing

-- note_checkpoint
update journal.tail set checkpoint_batches = %s, checkpoint_at = %s

-- start_epoch
update journal.tail set epoch = epoch + 1 returning epoch

-- bodies
select seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from journal.change where seq = any(%s) order by seq

-- lines
select c.seq, c.accepted_at, c.person, c.source, c.version, c.source_row, c.meta_offset,
    c.origin, c.type, c.operation, c.data_group, c.codec, c.id, c.body
from journal.change c where c.seq = any(%s)

-- current
select c.seq, c.accepted_at, c.person, c.source, c.version, c.source_row, c.meta_offset,
    c.origin, c.type, c.operation, c.data_group, c.codec, c.id, c.body
from journal.head join journal.change c on c.seq = head.seq
where head.key = any(%s)

-- follow
select seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from journal.change where seq > %s order by seq limit %s

-- follow_types
select seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from journal.change where seq > %s and type = any(%s) order by seq limit %s

-- rows_of_source
select source_row from journal.change where seq > %s and source = %s

-- line_of_versions
-- Walks a resource's versions newest first, down to the one asked for.
with recursive line (seq, previous, version) as (
    select change.seq, change.previous, change.version
    from journal.head join journal.change on change.seq = head.seq
    where head.key = any(%s)
    union all
    select change.seq, change.previous, change.version
    from line join journal.change on change.seq = line.previous
    where line.version > %s
)
select change.seq, accepted_at, person, change.previous, source, change.version, source_row,
    meta_offset, origin, type, operation, data_group, codec, id, salt, leaf, body
from line join journal.change on change.seq = line.seq
order by change.version desc

-- read_cursor
select seq, epoch from journal.cursor where name = %s

-- move_cursor
insert into journal.cursor (name, seq, epoch) values (%s, %s, %s)
on conflict (name) do update set seq = excluded.seq, epoch = excluded.epoch
where (journal.cursor.epoch, journal.cursor.seq) <= (excluded.epoch, excluded.seq)

-- forget_cursor
-- A follower that begins again: its cursor may not simply move back.
delete from journal.cursor where name = %s

-- batch_of
select last_seq, first_seq, number, at, root, chain, nodes
from journal.batch where last_seq >= %s order by last_seq limit 1

-- batches_numbered
select last_seq, first_seq, number, at, root, chain, nodes
from journal.batch where number = any(%s)

-- leaves
select leaf from journal.change where seq between %s and %s order by seq

-- last_checkpoint
select batches, last_seq, at, epoch, root, chain, key, signature
from journal.checkpoint order by epoch desc, batches desc limit 1

-- read_key
select public from journal.key where id = %s

-- read_erasure
select inner_hash from journal.erasure where seq = %s

-- lines_between
select change.seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body, inner_hash
from journal.change left join journal.erasure on erasure.seq = change.seq
where change.seq between %s and %s
order by change.seq

-- line_outside
select seq from journal.change where seq < 1 or seq > %s order by seq limit 1

-- all_batches
select last_seq, first_seq, number, at, root, chain, nodes from journal.batch order by last_seq

-- all_checkpoints
select batches, last_seq, at, epoch, root, chain, key, signature
from journal.checkpoint order by batches, epoch

-- all_keys
select id, public from journal.key order by id

-- first_wrong_head
-- A line that no other names as the version before it is current: exactly those are heads.
with live as (
    select journal.head_key(origin, type, id) as key, seq, version, operation
    from journal.change
    where not exists (select from journal.change later where later.previous = change.seq)
)
select coalesce(live.seq, head.seq)
from live full join journal.head on head.key = live.key
where (live.seq, live.version, live.operation)
    is distinct from (head.seq, head.version, head.operation)
order by 1 limit 1

-- primary_key
select attname
from pg_index
join pg_attribute on attrelid = indrelid and attnum = any(indkey)
where indrelid = %s::regclass and indisprimary
order by array_position(indkey::smallint[], attnum)

-- insert_dictionary
insert into journal.dictionary (number, type, version, content) values (%s, %s, %s, %s)
on conflict do nothing

-- read_dictionary
select content from journal.dictionary where number = %s

-- register_organisation
insert into journal.organisation (number, reference) values (%(number)s, %(reference)s)
on conflict do nothing

-- organisation
select reference from journal.organisation where number = %(number)s

-- stand
insert into journal.standing (account, organisation) values (%(account)s, %(organisation)s)
on conflict do nothing

-- standing
select source from journal.standing
where account = %(account)s and organisation = %(organisation)s

-- tell_behalf
insert into journal.behalf (source, organisation, source_row, is_sender)
values (%(source)s, %(organisation)s, %(row)s, %(is_sender)s)
on conflict do nothing

-- behalf_of_source
select organisation.reference, behalf.is_sender
from journal.behalf join journal.organisation on organisation.number = behalf.organisation
where behalf.source = %(source)s and behalf.source_row = 0

-- speaking_sources
select distinct source from journal.behalf where source = any(%(sources)s::bigint[])

-- behalf_of_places
select place.source, place.source_row, (
    select b.organisation from journal.behalf b
    where b.source = place.source and b.source_row in (0, place.source_row)
    order by b.source_row desc limit 1
)
from unnest(%(sources)s::bigint[], %(rows)s::integer[]) as place (source, source_row)
where exists (select from journal.behalf b where b.source = place.source)
