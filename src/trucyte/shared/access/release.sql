-- Releases: the key of the unit that manages the data.

-- ask_release
insert into access.release (account, purpose, what_for, asked_by, asked_at, until_at)
values (%(account)s, %(purpose)s, %(what_for)s, %(by)s, %(now)s, %(until)s)
returning number

-- decide_release
-- Who asked, and who would hold it, are asked again here: nobody turns both keys.
update access.release set state = %(state)s, decided_by = %(by)s, decided_at = %(now)s
where number = %(number)s and state = 'asked' and until_at > %(now)s
and %(by)s not in (asked_by, account)
returning number

-- end_release
update access.release set state = %(state)s, decided_by = %(by)s, decided_at = %(now)s
where number = %(number)s and state in ('asked', 'open')
returning number

-- find_release
select number, account, purpose, what_for, asked_by, asked_at, until_at, state, decided_by, decided_at
from access.release where number = %(number)s

-- find_open
select number, account, purpose, what_for, asked_by, asked_at, until_at, state, decided_by, decided_at
from access.release
where account = %(account)s and purpose = %(purpose)s and state = 'open' and until_at > %(now)s
order by until_at desc, number desc limit 1

-- list_releases
select number, account, purpose, what_for, asked_by, asked_at, until_at, state, decided_by, decided_at
from access.release order by (state = 'asked') desc, number desc limit %(count)s
