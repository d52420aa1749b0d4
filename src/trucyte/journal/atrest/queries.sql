-- read_wrapping
select generation, proof from journal.wrapping

-- add_wrapping
insert into journal.wrapping (generation, proof, made_at) values (%s, %s, %s)
on conflict (generation) do nothing

-- keys_numbered
select number, person, class, generation, wrapped from journal.body_key where number = any(%s)

-- find_or_add_keys
-- In one order, so that two writers who make the same keys never wait for each other. One
-- that another made at this moment is in neither part: who misses it asks again.
with asked as (
    select * from unnest(%s, %s, %s, %s::bytea[]) as asked (person, class, generation, wrapped)
), found as (
    select number, person, class, body_key.generation, body_key.wrapped
    from journal.body_key join asked using (person, class)
), made as (
    insert into journal.body_key (person, class, generation, wrapped)
    select * from asked
    where not exists (
        select from found where (found.person, found.class) = (asked.person, asked.class)
    )
    order by person, class
    on conflict (person, class) do nothing
    returning number, person, class, generation, wrapped
)
select * from found union all select * from made

-- keys_there
select number from journal.body_key where number = any(%s)

-- keys_wrapped_before
select number, person, class, generation, wrapped from journal.body_key
where generation < %s and number > %s order by number limit %s for update

-- rewrap_keys
update journal.body_key set generation = new.generation, wrapped = new.wrapped
from unnest(%s, %s, %s::bytea[]) as new (number, generation, wrapped)
where body_key.number = new.number

-- count_keys
select generation, count(*) from journal.body_key group by generation order by generation

-- lines_unsealed
select seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from journal.change where seq > %s and codec & 256 = 0 and body <> '' order by seq limit %s

-- reseal_lines
update journal.change set codec = new.codec, body = new.body
from unnest(%s, %s, %s::bytea[]) as new (seq, codec, body)
where change.seq = new.seq and change.body <> ''

-- begin_erasing
insert into journal.erasing (at, by, rule, article, blocked_until)
values (%s, %s, %s, %s, %s) returning number

-- begin_erasing_again
-- What a backup did not have yet, under the number it had.
insert into journal.erasing (number, at, by, rule, article, blocked_until, finished_at)
overriding system value
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (number) do nothing

-- move_erasing_number
select setval(
    pg_get_serial_sequence('journal.erasing', 'number'),
    greatest((select max(number) from journal.erasing), 1)
)

-- add_left
insert into journal.erasing_left (erasing, person, origin, type, id)
select %s::bigint, * from unnest(%s, %s, %s, %s::text[]) as new (person, origin, type, id)
on conflict do nothing

-- open_erasings
select number from journal.erasing where finished_at is null order by number

-- read_erasing
select erasing.number, erasing.at, erasing.by, erasing.rule, erasing.article,
    erasing.blocked_until,
    (select count(*) from journal.erasure where erasure.erasing = erasing.number),
    (select count(*) from journal.block where block.erasing = erasing.number)
from journal.erasing where erasing.number = %s

-- erasings_since
select number, at, by, rule, article, blocked_until, finished_at
from journal.erasing where number > %s and finished_at is not null order by number

-- lines_of_erasing
select erasure.seq, change.leaf
from journal.erasure join journal.change on change.seq = erasure.seq
where erasure.erasing = %s order by erasure.seq

-- blocks_of_erasing
select source, source_row, seq from journal.block where erasing = %s order by 1, 2, 3

-- next_left
select person, origin, type, id from journal.erasing_left
where erasing = %s order by person, origin, type, id limit 1

-- drop_left
delete from journal.erasing_left
where erasing = %s and person = %s and origin = %s and type = %s and id = %s

-- lines_of_person
-- What is blocked already is of others too, and stays.
select seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from journal.change
where person = %s and body <> '' and codec & 512 = 0 order by seq limit %s

-- lines_of_resource
with recursive line (seq, previous) as (
    select change.seq, change.previous
    from journal.head join journal.change on change.seq = head.seq
    where head.key = journal.head_key(%s::smallint, %s::smallint, %s)
    union all
    select change.seq, change.previous
    from line join journal.change on change.seq = line.previous
)
select change.seq, accepted_at, person, change.previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from line join journal.change on change.seq = line.seq
where change.body <> '' order by change.seq limit %s

-- lines_numbered
select seq, accepted_at, person, previous, source, version, source_row, meta_offset,
    origin, type, operation, data_group, codec, id, salt, leaf, body
from journal.change where seq = any(%s) and body <> '' order by seq

-- add_erasures
insert into journal.erasure (seq, inner_hash, erasing)
select new.seq, new.inner_hash, %s::bigint
from unnest(%s, %s::bytea[]) as new (seq, inner_hash)

-- clear_bodies
update journal.change set salt = '', body = '', codec = 0 where seq = any(%s)

-- block_lines
update journal.change set codec = codec | 512 where seq = any(%s)

-- add_blocks
insert into journal.block (source, source_row, seq, erasing, until)
select distinct new.source, new.source_row, new.seq, %s::bigint, %s::timestamptz
from unnest(%s, %s, %s) as new (source, source_row, seq)
on conflict do nothing

-- blocked_rows
select source_row from journal.block where source = %s

-- heads_among
select seq from journal.head where seq = any(%s)

-- destroy_keys
-- Only where nothing that its person has left is sealed under it.
delete from journal.body_key
using (select distinct number, person from unnest(%s, %s) as was (number, person)) as was
where body_key.number = was.number and not exists (
    select from journal.change
    where change.person = was.person and change.codec & 256 <> 0 and change.body <> ''
        and substr(change.body, 1, 8) = int8send(was.number)
)

-- finish_erasing
update journal.erasing set finished_at = %s where number = %s

-- columns_of
select table_schema || '.' || table_name, column_name
from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_type = 'BASE TABLE' and column_name in ('seq', 'person')
    and table_schema || '.' || table_name = any(%s::text[])

-- end_signing_keys
-- Whatever they signed stays good; they sign no more.
update journal.key set valid_to = %s where id <> %s and valid_to is null

-- count_unsealed
select count(*) from journal.change where codec & 256 = 0 and body <> ''
