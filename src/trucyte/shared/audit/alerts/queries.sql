-- Alerts that follow the trail.

-- claim_alert
-- Once by its key: whoever follows the same entries again gets no row.
insert into audit.raised (key, at) values (%(key)s, %(at)s) on conflict do nothing returning key

-- forget_claims
delete from audit.raised where at < %(before)s

-- related
select distinct kin.person
from unnest(%(persons)s::bigint[]) as asked (person)
cross join lateral (
    select asked.person from records.relation
    where relation.person = any(records.circle(asked.person))
        and relation.holder = any(records.acting(%(holders)s::bigint[], %(now)s))
        and relation.begins <= %(now)s and relation.ends > %(now)s
    limit 1
) kin

-- watch
insert into audit.watched (person, reason, by, at) values (%(person)s, %(reason)s, %(by)s, %(at)s)
on conflict (person) where ended_at is null do nothing

-- unwatch
update audit.watched set ended_at = %(at)s, ended_by = %(by)s
where person = %(person)s and ended_at is null
returning person

-- list_watched
select person, reason, by, at from audit.watched where ended_at is null order by at desc, person
limit %(count)s
