-- Emergencies: opened, ended, reviewed.

-- open_emergency
insert into access.emergency (account, organisation, person, patient, ground, reason, opened_at, until_at, due_at)
values (%(account)s, %(organisation)s, %(person)s, %(patient)s, %(ground)s, %(reason)s, %(opened_at)s, %(until)s, %(due_at)s)
returning number

-- find_open
select number, account, organisation, person, patient, ground, reason, opened_at, until_at, due_at, reviewed_by, reviewed_at, verdict, review
from access.emergency
where account = %(account)s and until_at > %(now)s and opened_at <= %(now)s
and (%(patient)s = '' or patient = %(patient)s)
order by number desc limit 1

-- find_emergency
select number, account, organisation, person, patient, ground, reason, opened_at, until_at, due_at, reviewed_by, reviewed_at, verdict, review
from access.emergency where number = %(number)s

-- list_waiting
select number, account, organisation, person, patient, ground, reason, opened_at, until_at, due_at, reviewed_by, reviewed_at, verdict, review
from access.emergency where reviewed_by = '' order by due_at, number limit %(count)s

-- list_reviewed
select number, account, organisation, person, patient, ground, reason, opened_at, until_at, due_at, reviewed_by, reviewed_at, verdict, review
from access.emergency where reviewed_by <> '' order by reviewed_at desc, number desc limit %(count)s

-- count_since
select count(*) from access.emergency where account = %(account)s and opened_at > %(since)s

-- end_emergency
-- Only one that is open still: its time is what the trail is compared with.
update access.emergency set until_at = %(now)s
where number = %(number)s and account = %(account)s and until_at > %(now)s
returning number

-- review_emergency
-- Who opened it is asked again here: two requests must not pass each other.
update access.emergency
set reviewed_by = %(by)s, reviewed_at = %(now)s, verdict = %(verdict)s, review = %(reason)s
where number = %(number)s and reviewed_by = '' and account <> %(by)s
returning number
