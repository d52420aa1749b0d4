-- end_rows
-- The row of the version before goes; where the resource lives on, it is kept for the page
-- tokens of older positions, under the labels of both.
with change as (
    select line.seq, line.previous, line.operation, new.sensitivity, new.at
    from unnest(%(seqs)s::bigint[], %(sensitivities)s::smallint[], %(ats)s::bigint[])
        as new (seq, sensitivity, at)
    join journal.change line on line.seq = new.seq
    where line.previous > 0
), gone as (
    delete from records.entry using change
    where entry.seq = change.previous
    returning entry.*, change.seq as ended, change.at as ended_at,
        change.sensitivity as stricter, change.operation as operation
), removed_dates as (
    delete from records.date using gone where operation = 3 and date.seq = gone.seq
), removed_quantities as (
    delete from records.quantity using gone where operation = 3 and quantity.seq = gone.seq
), removed_texts as (
    delete from records.text using gone where operation = 3 and text.seq = gone.seq
)
insert into records.ended (
    seq, last_updated, reference, person, present, date_low, date_high, quantity_low,
    quantity_high, origin, type, sensitivity, tokens, ended, ended_at, organisations
)
select seq, last_updated, reference, person, present, date_low, date_high, quantity_low,
    quantity_high, origin, type, sensitivity | stricter, tokens, ended, ended_at,
    organisations
from gone where operation <> 3

-- restrict_ended
update records.ended set sensitivity = ended.sensitivity | new.sensitivity
from (
    select reference, bit_or(sensitivity) as sensitivity
    from unnest(%(references)s::bigint[], %(sensitivities)s::smallint[])
        as one (reference, sensitivity)
    group by reference
) new
where ended.reference = new.reference

-- remove_ended
delete from records.ended where reference = any(%(references)s::bigint[])

-- copy_entries
copy records.entry (
    seq, last_updated, organisations, reference, person, present, date_low, date_high,
    quantity_low, quantity_high, origin, type, sensitivity, tokens
) from stdin (format binary)

-- copy_dates
copy records.date (seq, low, high, parameter) from stdin (format binary)

-- copy_quantities
copy records.quantity (seq, low, high, parameter, units, components) from stdin (format binary)

-- copy_texts
copy records.text (seq, parameter, value) from stdin (format binary)

-- add_phrases
insert into records.phrase (token, parameter, value)
select * from unnest(%(tokens)s::bigint[], %(parameters)s::integer[], %(values)s::text[])
on conflict (token) do nothing

-- clear
truncate records.entry, records.ended, records.date, records.quantity, records.text,
    records.phrase

-- close_positions
update records.horizon set seq = (select last_seq from journal.tail)

-- form
-- The form stands where followers keep how far they are: the index follows in every commit.
select (select seq from journal.cursor where name = 'records.index'), last_seq = 0
from journal.tail

-- stamp_form
insert into journal.cursor (name, seq, epoch) values ('records.index', %(form)s, 0)
on conflict (name) do update set seq = excluded.seq

-- sweep
with swept as (
    delete from records.ended where ended_at < %(before)s returning seq, ended
), dates as (
    delete from records.date using swept where date.seq = swept.seq
), quantities as (
    delete from records.quantity using swept where quantity.seq = swept.seq
), texts as (
    delete from records.text using swept where text.seq = swept.seq
), moved as (
    update records.horizon
    set seq = greatest(horizon.seq, (select coalesce(max(ended), 0) from swept))
)
select count(*) from swept

-- sweep_phrases
delete from records.phrase
where not exists (select from records.entry where entry.tokens @> array[phrase.token])

-- position
select tail.last_seq, tail.epoch, horizon.seq from journal.tail, records.horizon

-- versions
-- One resource's versions, newest first: each line names the one before it, and the walk
-- stops where the page is full.
with recursive line (seq, previous, at) as (
    select c.seq, c.previous, c.accepted_at
    from journal.change c
    where c.seq = (
        select case when %(behind)s::bigint >= head.seq then head.seq
            else (select b.previous from journal.change b where b.seq = %(behind)s::bigint) end
        from journal.head where head.key = %(key)s::uuid
    )
    union all
    select c.seq, c.previous, c.accepted_at
    from line join journal.change c on c.seq = line.previous
), wanted as materialized (
    select line.seq from line
    where line.seq <= %(snapshot)s::bigint
        and line.at >= timestamptz '1970-01-01Z' + %(since)s::bigint * interval '1 microsecond'
        and line.at < timestamptz '1970-01-01Z' + %(until)s::bigint * interval '1 microsecond'
    limit %(limit)s::integer
)
select c.seq, c.accepted_at, c.person, c.source, c.version, c.source_row, c.meta_offset,
    c.origin, c.type, c.operation, c.data_group, c.codec, c.id, c.body
from wanted join journal.change c on c.seq = wanted.seq
order by c.seq desc

-- versions_upwards
with recursive line (seq, previous, at) as (
    select c.seq, c.previous, c.accepted_at
    from journal.change c
    where c.seq = (
        select head.seq
        from journal.head where head.key = %(key)s::uuid
    )
    union all
    select c.seq, c.previous, c.accepted_at
    from line join journal.change c on c.seq = line.previous
), wanted as materialized (
    select line.seq from line
    where line.seq <= %(snapshot)s::bigint and line.seq > %(behind)s::bigint
        and line.at >= timestamptz '1970-01-01Z' + %(since)s::bigint * interval '1 microsecond'
        and line.at < timestamptz '1970-01-01Z' + %(until)s::bigint * interval '1 microsecond'
    order by line.seq limit %(limit)s::integer
)
select c.seq, c.accepted_at, c.person, c.source, c.version, c.source_row, c.meta_offset,
    c.origin, c.type, c.operation, c.data_group, c.codec, c.id, c.body
from wanted join journal.change c on c.seq = wanted.seq
order by c.seq

-- position_after
-- The first line accepted after a moment, or the one behind the last.
select coalesce(
    (select min(first_seq) from journal.batch where at > %(moment)s),
    (select last_seq + 1 from journal.tail)
)

-- ended_lines
-- Resources that were deleted between two positions and are still: with the version before.
select change.seq, change.type, change.id, before.person
from journal.change
join journal.head
    on head.key = journal.head_key(change.origin, change.type, change.id) and head.seq = change.seq
join journal.change before on before.seq = change.previous
where change.seq between %(first)s and %(last)s and change.operation = 3 and change.origin = 0

-- owners_of_keys
-- Of what all may see, and of what is deleted, the lines say who made it.
select line.type, line.id, case when entry.organisations <> '{0}' then entry.organisations
    else journal.owners(head.seq) end
from journal.head
join journal.change line on line.seq = head.seq
left join records.entry on entry.seq = head.seq
where head.key = any(%(keys)s::uuid[])

-- owners_of_lines
-- From each line back to one whose row is still there, which knows of all before it.
with recursive line (new, source, source_row, previous, known) as (
    select c.seq, c.source, c.source_row, c.previous, null::bigint[]
    from journal.change c where c.seq = any(%(seqs)s::bigint[])
    union all
    select line.new, c.source, c.source_row, c.previous, entry.organisations
    from line
    join journal.change c on c.seq = line.previous
    left join records.entry on entry.seq = c.seq
    where line.known is null
)
select line.new, array_agg(distinct own.number order by own.number)
from line cross join lateral (
    select unnest(line.known) as number
    union all
    (select b.organisation from journal.behalf b
     where line.known is null
        and b.source = line.source and b.source_row in (0, line.source_row)
     order by b.source_row desc limit 1)
) own
group by line.new
