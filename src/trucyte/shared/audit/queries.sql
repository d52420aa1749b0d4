-- The trail: what the journal's own queries do not ask.

-- copy_shown
copy audit.shown (seq, persons) from stdin (format binary)

-- clear_shown
truncate audit.shown

-- entries
-- Newest first. `words` are parts of the body that every wanted entry has: a sieve, since
-- the caller reads each entry again. The walk ends at `after` however few were found.
select seq
from audit.change
where seq < %(before)s and seq > %(after)s
    and not exists (
        select from unnest(%(words)s::bytea[]) word where position(word in body) = 0
    )
order by seq desc
limit %(count)s

-- entries_of_persons
-- Of one person, whose Patients may be several: each key by its own index, each line once.
select distinct found.seq
from unnest(%(persons)s::bigint[]) as wanted (person) cross join lateral (
    (
        select seq from audit.change
        where person = wanted.person and person <> 0 and seq < %(before)s and seq > %(after)s
        order by seq desc limit %(count)s
    )
    union all
    (
        select seq from audit.shown
        where persons @> array[wanted.person] and seq < %(before)s and seq > %(after)s
        order by seq desc limit %(count)s
    )
) found
order by found.seq desc
limit %(count)s

-- time_of
select accepted_at from audit.change where seq = %(seq)s

-- shown_between
select seq, persons from audit.shown where seq > %(after)s and seq <= %(last)s

-- patients
-- The Patients that bear a person's key: several, where records were merged. State secrets are
-- named to nobody: here, above, and in every other list.
select entry.person, change.id
from records.entry
join journal.change using (seq)
where entry.person = any(%(persons)s::bigint[]) and entry.type = %(type)s
    and entry.sensitivity < 16384
order by entry.seq desc
