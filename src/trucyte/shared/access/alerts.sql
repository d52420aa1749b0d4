-- Alerts to persons and to roles.

-- raise_alert
insert into access.alert (kind, about, raised_at, person, role, organisation, evidence)
values (%(kind)s, %(about)s, %(now)s, %(person)s, %(role)s, %(organisation)s, %(evidence)s)

-- of_person
select number, kind, about, raised_at, organisation, state, reason, moved_by, evidence
from access.alert where person = any(%(persons)s) and person <> 0
order by number desc limit %(count)s

-- of_role
select number, kind, about, raised_at, organisation, state, reason, moved_by, evidence
from access.alert where role = any(%(roles)s) and role <> ''
order by (state = 'open') desc, number desc limit %(count)s

-- count_open
select count(*) from access.alert where role = any(%(roles)s) and role <> '' and state = 'open'

-- move_alert
update access.alert set state = %(state)s, moved_by = %(by)s, moved_at = %(now)s,
    reason = case when %(reason)s = '' then reason else %(reason)s end
where number = %(number)s and role = any(%(roles)s) and state = any(%(from)s)
returning number
