-- Requests about data, holds, and who else holds copies.

-- add_request
insert into access.request (person, patient, kind, state, words, channel, by, organisation,
    received_at, acknowledge_by, answer_by)
values (%(person)s, %(patient)s, %(kind)s, %(state)s, %(words)s, %(channel)s, %(by)s,
    %(organisation)s, %(now)s, %(acknowledge_by)s, %(answer_by)s)
returning number

-- add_step
insert into access.request_step (request, step, at, account, event, state, note, article, digest)
select %(number)s, coalesce(max(step), 0) + 1, %(now)s, %(account)s, %(event)s, %(state)s,
    %(note)s, %(article)s, %(digest)s
from access.request_step where request = %(number)s

-- keep_request
select number, person, patient, kind, state, words, channel, by, organisation, received_at,
    acknowledge_by, answer_by, ended_at
from access.request where number = %(number)s for update

-- move_request
update access.request
set state = %(state)s, answer_by = %(answer_by)s, ended_at = %(ended_at)s
where number = %(number)s

-- one_request
select number, person, patient, kind, state, words, channel, by, organisation, received_at,
    acknowledge_by, answer_by, ended_at
from access.request where number = %(number)s

-- steps_of
select step, at, account, event, state, note, article, digest
from access.request_step where request = %(number)s order by step

-- open_requests
-- Those whose next day is nearest first: to acknowledge, or to answer.
select number, person, patient, kind, state, words, channel, by, organisation, received_at,
    acknowledge_by, answer_by, ended_at
from access.request
where ended_at is null and (%(all)s or organisation = any(%(organisations)s::text[]))
order by case state when 'received' then acknowledge_by else answer_by end, number
limit %(count)s

-- ended_requests
select number, person, patient, kind, state, words, channel, by, organisation, received_at,
    acknowledge_by, answer_by, ended_at
from access.request
where ended_at is not null and (%(all)s or organisation = any(%(organisations)s::text[]))
order by ended_at desc, number desc
limit %(count)s

-- requests_of
select number, person, patient, kind, state, words, channel, by, organisation, received_at,
    acknowledge_by, answer_by, ended_at
from access.request where person = any(%(persons)s::bigint[]) order by number desc
limit %(count)s

-- add_hold
insert into access.hold (person, patient, why, article, begun_at, begun_by, until)
values (%(person)s, %(patient)s, %(why)s, %(article)s, %(now)s, %(by)s, %(until)s)
returning number

-- end_hold
update access.hold set ended_at = %(now)s, ended_by = %(by)s
where number = %(number)s and ended_at is null
returning number

-- list_holds
select number, person, patient, why, article, begun_at, begun_by, until, ended_at, ended_by
from access.hold
where (%(ended)s or ended_at is null)
    and (%(persons)s::bigint[] is null or person = any(%(persons)s::bigint[]))
order by number

-- note_holder
insert into access.holder (person, holder, how, first_at, last_at)
values (%(person)s, %(holder)s, %(how)s, %(at)s, %(at)s)
on conflict (person, holder) do update
set how = case when excluded.last_at > holder.last_at then excluded.how else holder.how end,
    first_at = least(holder.first_at, excluded.first_at),
    last_at = greatest(holder.last_at, excluded.last_at)

-- holders_of
select holder, how, min(first_at), max(last_at)
from access.holder where person = any(%(persons)s::bigint[])
group by holder, how order by max(last_at) desc, holder

-- add_notice
insert into access.holder_notice (consent, version, holder, person, state, why, made_at, changed_at)
values (%(consent)s, %(version)s, %(holder)s, %(person)s, %(state)s, %(why)s, %(now)s, %(now)s)
on conflict do nothing

-- notices_of
select consent, version, holder, person, state, why, made_at, changed_at, changed_by
from access.holder_notice where person = any(%(persons)s::bigint[])
order by made_at desc, holder

-- open_notices
select consent, version, holder, person, state, why, made_at, changed_at, changed_by
from access.holder_notice where state in ('waiting', 'unreachable')
order by made_at, consent, holder limit %(count)s

-- move_notice
update access.holder_notice
set state = %(state)s, why = %(why)s, changed_at = %(now)s, changed_by = %(by)s
where consent = %(consent)s and version = %(version)s and holder = %(holder)s
    and state = any(%(from)s::text[])
returning holder
