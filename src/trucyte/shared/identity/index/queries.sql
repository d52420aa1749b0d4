-- lock
-- One follower at a time lays out.
select pg_advisory_xact_lock(hashtext('identity.person'))

-- read_form
select form, is_whole from identity.form

-- write_form
update identity.form set form = %(form)s, is_whole = %(is_whole)s

-- clear_persons
truncate identity.person, identity.key

-- rows_of
select p.seq, p.origin, p.id, p.fields
from unnest(%(origins)s::smallint[], %(ids)s::text[]) asked (origin, id)
cross join lateral (
    select * from identity.person p where p.origin = asked.origin and p.id = asked.id limit 1
) p

-- drop_persons
delete from identity.person where seq = any(%(seqs)s::bigint[])

-- drop_keys
delete from identity.key k
using unnest(%(keys)s::bigint[], %(seqs)s::bigint[]) gone (hash, seq)
where k.hash = gone.hash and k.seq = gone.seq

-- copy_persons
copy identity.person (seq, person, origin, id, fields) from stdin (format binary)

-- copy_keys
copy identity.key (hash, seq) from stdin (format binary)

-- candidates
-- For each asker: who shares a key that no more than `crowd` do, the rarer the keys the
-- earlier, at most `most`; and the places of the keys that more share. Every step behind a
-- lateral join is one look-up, whatever the planner thinks of their number.
with asked (asker, place, hash) as materialized (
    select * from unnest(%(askers)s::int[], %(places)s::int[], %(keys)s::bigint[])
),
found as materialized (
    select asked.asker, asked.place, k.seq,
        count(*) over (partition by asked.asker, asked.place) as persons
    from asked cross join lateral (
        select k.seq from identity.key k where k.hash = asked.hash
        order by k.seq limit %(crowd)s + 1
    ) k
),
shared as materialized (
    select asker, seq, sum(1.0 / persons) as closeness
    from found where persons <= %(crowd)s group by asker, seq
),
ranked as materialized (
    select shared.asker, p.seq, p.person, p.origin, p.id, p.fields,
        row_number() over (partition by shared.asker order by closeness desc, p.seq) as rank
    from shared cross join lateral (
        select p.* from identity.person p where p.seq = shared.seq limit 1
    ) p
    {permitted}
)
select asker, seq, person, origin, id, fields, null::int[] as crowded
from ranked where rank <= %(most)s
union all
select asker, null, null, null, null, null, array_agg(distinct place order by place)
from found where persons > %(crowd)s group by asker

-- crowded
-- Keys that too many share, the most crowded first, with one of those who do. Reads the whole
-- table of keys.
with crowded as materialized (
    select hash, count(*) as persons, min(seq) as seq from identity.key group by hash
    having count(*) > %(crowd)s order by 2 desc, 1 limit %(most)s
)
select c.hash, c.persons, p.id, p.fields
from crowded c join identity.person p using (seq) order by c.persons desc, c.hash

-- size
select (select count(*) from identity.person), (select count(*) from identity.key),
    pg_total_relation_size('identity.person') + pg_total_relation_size('identity.key')
