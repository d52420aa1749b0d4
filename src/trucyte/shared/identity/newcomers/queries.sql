-- lock
select pg_advisory_xact_lock(hashtext('identity.pair'))

-- persons_at
-- Whoever the index has of these lines: those that are current.
select p.seq, p.origin, p.id, p.fields
from unnest(%(seqs)s::bigint[]) asked (seq)
cross join lateral (select * from identity.person p where p.seq = asked.seq limit 1) p

-- known
select p.low_origin, p.low_id, p.high_origin, p.high_id, p.state
from unnest(
    %(low_origins)s::smallint[], %(low_ids)s::text[],
    %(high_origins)s::smallint[], %(high_ids)s::text[]
) asked (low_origin, low_id, high_origin, high_id)
join identity.pair p using (low_origin, low_id, high_origin, high_id)

-- put
-- A pair that a person decided stays as it was decided; what waits gets the newer evidence.
insert into identity.pair as p (
    low_origin, low_id, high_origin, high_id, state, weight, probability, model, rules, verdict,
    parts, organisations, proposed_at, decided_at, decided_by
) values (
    %(low_origin)s, %(low_id)s, %(high_origin)s, %(high_id)s, %(state)s, %(weight)s,
    %(probability)s, %(model)s, %(rules)s, %(verdict)s, %(parts)s, %(organisations)s, %(now)s,
    %(decided_at)s, %(decided_by)s
)
on conflict (low_origin, low_id, high_origin, high_id) do update set
    state = case when p.state = 'later' and excluded.state = 'open' then p.state
        else excluded.state end,
    weight = excluded.weight, probability = excluded.probability, model = excluded.model,
    rules = excluded.rules, verdict = excluded.verdict, parts = excluded.parts,
    organisations = excluded.organisations, decided_at = excluded.decided_at,
    decided_by = excluded.decided_by,
    proposed_at = case when p.state = 'withdrawn' then excluded.proposed_at
        else p.proposed_at end
where p.state in ('open', 'later', 'withdrawn')

-- settle
-- What was decided elsewhere, by a link in the journal.
update identity.pair set state = %(state)s, decided_at = %(now)s, decided_by = %(by)s
where low_origin = %(low_origin)s and low_id = %(low_id)s
    and high_origin = %(high_origin)s and high_id = %(high_id)s and state <> %(state)s

-- withdraw
-- What waits about these Patients, and is not proposed any more.
update identity.pair p set state = 'withdrawn', decided_at = %(now)s, decided_by = %(by)s
from unnest(%(origins)s::smallint[], %(ids)s::text[]) asked (origin, id)
where p.state in ('open', 'later')
    and (
        (p.low_origin = asked.origin and p.low_id = asked.id)
        or (p.high_origin = asked.origin and p.high_id = asked.id)
    )
    and not p.number = any(%(kept)s::bigint[])

-- numbers
select p.number
from unnest(
    %(low_origins)s::smallint[], %(low_ids)s::text[],
    %(high_origins)s::smallint[], %(high_ids)s::text[]
) asked (low_origin, low_id, high_origin, high_id)
join identity.pair p using (low_origin, low_id, high_origin, high_id)

-- page
select p.number, p.low_id, p.high_id, p.state, p.weight, p.probability, p.model, p.rules,
    p.parts, p.verdict, p.proposed_at, p.decided_at, p.decided_by
from identity.pair p
where p.state = any(%(states)s) and p.number > %(after)s and {conditions}
order by p.number limit %(count)s

-- decide
update identity.pair set state = %(state)s, decided_at = %(now)s, decided_by = %(by)s
where number = %(number)s

-- count
select state, count(*) from identity.pair group by state order by state

-- keep
select state from identity.pair where number = %(number)s for update

-- previous
select p.number from identity.pair p
where p.state = 'open' and p.number < %(number)s and {conditions}
order by p.number desc limit 1

-- waiting
-- The row without a reference counts the pairs; one pair may be of two organisations.
with found as materialized (
    select p.organisations from identity.pair p
    where p.state = 'open' and {conditions}
    limit %(most)s
)
select null::text, count(*) from found
union all
select o.reference, count(*)
from found
cross join lateral unnest(found.organisations) told (number)
join journal.organisation o on o.number = told.number
group by o.reference

-- done
select count(*), count(*) filter (where p.decided_by = %(caller)s)
from identity.pair p
where p.decided_at >= %(since)s and p.decided_by not in ('', 'identity', 'link')
    and p.state <> 'withdrawn' and {conditions}

-- decided
select p.number, p.low_id, p.high_id, p.state, p.weight, p.probability, p.model, p.rules,
    p.parts, p.verdict, p.proposed_at, p.decided_at, p.decided_by
from identity.pair p
where p.decided_by not in ('', 'identity', 'link')
    and p.state in ('linked', 'different', 'broken') and {conditions}
order by p.decided_at desc, p.number desc limit %(count)s
