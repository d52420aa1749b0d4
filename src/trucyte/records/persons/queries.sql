-- Which Patients are one person.

-- forget_pairs
delete from records.pair where linkage = any(%(linkages)s::bigint[])
returning person, other

-- add_pairs
insert into records.pair (linkage, person, other, state)
select * from unnest(
    %(linkages)s::bigint[], %(persons)s::bigint[], %(others)s::bigint[], %(states)s::smallint[]
)

-- circles_of
-- All who are in a circle with one of these.
select person, circle, reference, node, id from records.linked
where circle in (
    select circle from records.linked where person = any(%(persons)s::bigint[])
)

-- pairs_among
-- What is said of pairs of which the lesser one is among these.
select person, other, state from records.pair where person = any(%(persons)s::bigint[])

-- forget_linked
delete from records.linked where person = any(%(persons)s::bigint[])

-- add_linked
insert into records.linked (person, circle, reference, node, id)
select * from unnest(
    %(persons)s::bigint[], %(circles)s::bigint[], %(references)s::bigint[],
    %(nodes)s::text[], %(ids)s::text[]
)

-- clear
truncate records.pair, records.linked

-- members_of_ids
-- Who is one person with a Patient of this node: (its id, the other's node, the other's id).
select own.id, member.node, member.id
from records.linked own join records.linked member on member.circle = own.circle
where own.reference = any(%(references)s::bigint[])

-- members_of_references
select member.reference
from records.linked own join records.linked member on member.circle = own.circle
where own.reference = any(%(references)s::bigint[]) and member.node = ''

-- persons_with
-- The person keys of all who are one person with one of these, and these.
select unnest(%(persons)s::bigint[])
union
select member.person
from records.linked own join records.linked member on member.circle = own.circle
where own.person = any(%(persons)s::bigint[])

-- states
select wanted.person, wanted.other, pair.state
from unnest(%(persons)s::bigint[], %(others)s::bigint[]) as wanted (person, other)
join records.pair on pair.person = wanted.person and pair.other = wanted.other
