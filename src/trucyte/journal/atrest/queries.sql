-- read_wrapping
select generation, proof from journal.wrapping

-- add_wrapping
insert into journal.wrapping (generation, proof, made_at) values (%s, %s, %s)
on conflict (generation) do nothing

-- keys_numbered
select number, person, class, generation, wrapped from journal.body_key where number = any(%s)

-- keys_of
select number, person, class, generation, wrapped
from journal.body_key join unnest(%s, %s) as wanted (person, class) using (person, class)

-- add_keys
-- In one order, so that two writers who make the same keys never wait for each other.
insert into journal.body_key (person, class, generation, wrapped)
select * from unnest(%s, %s, %s, %s::bytea[]) as new (person, class, generation, wrapped)
order by person, class
on conflict (person, class) do nothing

-- lose_flush
-- Whatever rests on a key is flushed after it, so a key needs no flush of its own.
set local synchronous_commit = off

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
from journal.change where seq > %s and codec < 256 and body <> '' order by seq limit %s

-- reseal_lines
update journal.change set codec = new.codec, body = new.body
from unnest(%s, %s, %s::bytea[]) as new (seq, codec, body)
where change.seq = new.seq and change.body <> ''
