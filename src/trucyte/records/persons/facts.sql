-- What permission asks of persons. The row of a version before is found by its person:
-- a mended resource may be of another one than it was.

-- end_relations
delete from records.relation using journal.change line, journal.change was
where line.seq = any(%(seqs)s::bigint[]) and was.seq = line.previous
    and relation.person = was.person and relation.seq = was.seq

-- add_relations
insert into records.relation (person, holder, begins, ends, seq, kind)
select * from unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::smallint[]
)

-- clear_relations
truncate records.relation

-- sweep_relations
delete from records.relation using journal.tail
where relation.ends <= extract(epoch from tail.at) * 1000000

-- end_memberships
delete from records.membership using journal.change line, journal.change was
where line.seq = any(%(seqs)s::bigint[]) and was.seq = line.previous
    and membership.person = was.person and membership.seq = was.seq

-- add_memberships
insert into records.membership (person, whole, member, begins, ends, seq)
select * from unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]
)

-- clear_memberships
truncate records.membership

-- end_provisions
delete from records.provision using journal.change line, journal.change was
where line.seq = any(%(seqs)s::bigint[]) and was.seq = line.previous
    and provision.person = was.person and provision.seq = was.seq

-- copy_provisions
copy records.provision (
    person, seq, made, begins, ends, number, parent, scope, labels, is_permit, actors, types, purposes
) from stdin

-- clear_provisions
truncate records.provision

-- provisions_of
-- The rules of a person and of all who are one person with it, the newest consent first.
select seq, number, parent, scope, made, begins, ends, is_permit, labels, actors, types, purposes
from records.provision
where person in (
    select %(person)s::bigint
    union
    select other.person from records.linked own
    join records.linked other on other.circle = own.circle
    where own.person = %(person)s::bigint
)
order by made desc, seq desc, number
