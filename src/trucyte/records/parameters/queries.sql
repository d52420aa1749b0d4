-- stamp
select stamp, seq from records.plan

-- in_force
-- In the order of their ids, so that every process numbers them alike.
select id, seq, walked, done, total, rate, state, sides, types, body from records.parameter order by id

-- put
insert into records.parameter (id, seq, walked, done, total, rate, state, sides, types, body)
values (%(id)s, %(seq)s, %(walked)s, 0, 0, 0, %(state)s, %(sides)s, %(types)s, %(body)s)
on conflict (id) do update set seq = excluded.seq, walked = excluded.walked, done = 0, total = 0, rate = 0,
    state = excluded.state, sides = excluded.sides, types = excluded.types, body = excluded.body

-- describe
update records.parameter set body = %(body)s where id = %(id)s

-- set_state
update records.parameter set state = %(to)s where id = %(id)s and state = any(%(from)s)

-- remove
delete from records.parameter where id = any(%(ids)s)

-- finish_all
-- A replay writes every row by what is in force.
with gone as (delete from records.parameter where state = 3 returning id),
ready as (
    update records.parameter set state = 2, walked = seq where state in (1, 4) returning id
)
select (select count(*) from gone) + (select count(*) from ready)

-- turn
update records.plan set stamp = %(stamp)s, seq = greatest(seq, %(seq)s)
returning stamp, seq

-- size
select count(*) from records.entry where type = any(%(types)s::smallint[]) and seq <= %(until)s

-- set_total
update records.parameter set total = greatest(%(total)s, done) where id = any(%(ids)s)

-- window
select seq from records.entry
where seq > %(after)s and seq <= %(until)s and type = any(%(types)s::smallint[])
order by seq limit %(limit)s

-- standing
select seq from records.entry where seq = any(%(seqs)s::bigint[])

-- move
update records.parameter set walked = %(to)s, done = done + %(rows)s, rate = %(rate)s
where id = any(%(ids)s) and walked = %(from)s and state in (1, 3)

-- give_tokens
-- Tokens come one after another in one array, each row's between its bounds.
update records.entry
set tokens = new.tokens
from (
    select row.seq, flat.tokens[row.first:row.last] as tokens
    from unnest(%(seqs)s::bigint[], %(firsts)s::integer[], %(lasts)s::integer[])
        as row (seq, first, last),
    (select %(tokens)s::bigint[] as tokens) flat
) new
where entry.seq = new.seq and entry.tokens is distinct from new.tokens

-- clear_dates
delete from records.date where seq = any(%(seqs)s::bigint[]) and parameter = any(%(sides)s)

-- clear_quantities
delete from records.quantity where seq = any(%(seqs)s::bigint[]) and parameter = any(%(sides)s)

-- clear_texts
delete from records.text where seq = any(%(seqs)s::bigint[]) and parameter = any(%(sides)s)
