-- The queries of subscriptions.

-- lock
-- One follower at a time, whoever starts a second one.
select pg_advisory_xact_lock(hashtextextended('trucyte.exchange.subscriptions', 0))

-- lead
-- One deliverer at a time; whoever waits for it takes over when its connection ends.
select pg_try_advisory_lock(hashtextextended('trucyte.exchange.subscriptions.deliver', 0))

-- notify
select pg_notify('subscriptions', '')

-- put
-- A version that asks anew begins anew; what was told before stays told.
insert into subscriptions.subscription as s (
    id, version, seq, caller, purpose, organisation, asker, channel, status, problem, reason,
    told_status, due_at, heartbeat_seconds, ends_at
) values (
    %(id)s, %(version)s, %(seq)s, %(caller)s, %(purpose)s, %(organisation)s, %(asker)s, %(channel)s,
    %(status)s, %(problem)s, %(reason)s, %(told_status)s, %(now)s, %(heartbeat_seconds)s, %(ends_at)s
)
on conflict (id) do update
   set version = excluded.version, seq = excluded.seq, caller = excluded.caller,
       purpose = excluded.purpose, organisation = excluded.organisation, asker = excluded.asker,
       channel = excluded.channel, status = excluded.status, problem = excluded.problem,
       reason = excluded.reason,
       told_status = excluded.told_status, failures = 0,
       due_at = excluded.due_at, heartbeat_seconds = excluded.heartbeat_seconds,
       ends_at = excluded.ends_at

-- seen
-- A version that the node wrote itself, or that asks for nothing new.
update subscriptions.subscription
   set version = %(version)s, told_status = %(told_status)s
 where id = %(id)s

-- refuse
update subscriptions.subscription set status = 'error', problem = %(problem)s, reason = %(reason)s
 where id = %(id)s

-- drop
delete from subscriptions.subscription where id = %(id)s

-- clear
delete from subscriptions.subscription where not id = any(%(ids)s)

-- every
select id, version, seq, caller, purpose, organisation, asker, channel, status, problem, reason, told_status,
       events, delivered, failures, due_at, heartbeat_seconds, ends_at, tried_at, delivered_at
  from subscriptions.subscription
 order by id

-- one
select id, version, seq, caller, purpose, organisation, asker, channel, status, problem, reason, told_status,
       events, delivered, failures, due_at, heartbeat_seconds, ends_at, tried_at, delivered_at
  from subscriptions.subscription
 where id = %(id)s

-- count_events
-- Numbers are given in one step; the row stays locked until they are visible.
update subscriptions.subscription s
   set events = s.events + n.more
  from unnest(%(ids)s::text[], %(more)s::integer[]) as n (id, more)
 where s.id = n.id
returning s.id, s.events

-- add_events
insert into subscriptions.event (subscription, number, seq, type, resource, version, operation, at)
select * from unnest(
    %(subscriptions)s::text[], %(numbers)s::bigint[], %(seqs)s::bigint[], %(types)s::smallint[],
    %(resources)s::text[], %(versions)s::integer[], %(operations)s::smallint[],
    %(at)s::timestamptz[]
)

-- events
select number, seq, type, resource, version, operation, at
  from subscriptions.event
 where subscription = %(id)s and number > %(after)s and number <= %(until)s
 order by number
 limit %(limit)s

-- due
-- What is to be told now: a handshake, events, a sign of life.
select id
  from subscriptions.subscription
 where status in ('requested', 'active') and channel = 'rest-hook' and due_at <= %(now)s
   and (status = 'requested' or delivered < events
        or greatest(delivered_at, tried_at)
           + make_interval(secs => heartbeat_seconds) <= %(now)s)
   and not id = any(%(busy)s)
 order by due_at
 limit %(limit)s

-- next_due
-- When there will be something to tell, as far as that is known now.
select min(case when status = 'requested' or delivered < events then due_at
                when heartbeat_seconds is not null
                then greatest(due_at, greatest(delivered_at, tried_at)
                     + make_interval(secs => heartbeat_seconds)) end)
  from subscriptions.subscription
 where status in ('requested', 'active') and channel = 'rest-hook' and not id = any(%(busy)s)

-- taken
-- Only of the version that was told: one that asks anew is another matter.
update subscriptions.subscription
   set status = 'active', problem = '', reason = '', failures = 0, tried_at = %(now)s,
       delivered_at = %(now)s, due_at = %(now)s,
       delivered = greatest(delivered, least(events, %(number)s))
 where id = %(id)s and seq = %(seq)s and status in ('requested', 'active')

-- failed
update subscriptions.subscription
   set failures = failures + 1, tried_at = %(now)s, due_at = %(due_at)s, problem = %(problem)s,
       reason = %(reason)s,
       status = case when failures + 1 >= %(attempts_max)s then 'error' else status end
 where id = %(id)s and seq = %(seq)s and status in ('requested', 'active')
returning status

-- open_socket
update subscriptions.subscription
   set status = 'active', problem = '', reason = '', due_at = %(now)s
 where status = 'requested' and channel = 'websocket'

-- end_over
update subscriptions.subscription
   set status = 'off', problem = '', reason = ''
 where ends_at <= %(now)s and status in ('requested', 'active', 'error')
returning id

-- retry
update subscriptions.subscription
   set status = case when status = 'error' then 'requested' else status end, failures = 0,
       due_at = %(now)s
 where id = %(id)s and status <> 'off' and channel <> ''
returning id

-- untold
select id, version, status, problem, reason
  from subscriptions.subscription
 where status <> told_status and status <> 'requested'
 limit 100

-- told
update subscriptions.subscription
   set version = greatest(version, %(version)s), told_status = %(status)s
 where id = %(id)s

-- sweep
-- What was taken long ago, and what nobody will take any more.
delete from subscriptions.event e
 using subscriptions.subscription s
 where e.subscription = s.id and e.at < %(before)s
   and (e.number <= s.delivered or s.status in ('error', 'off') or s.channel = '')

-- keep_bounds
insert into subscriptions.bounds (subscription, version, caller, asker)
values (%(id)s, %(version)s, %(caller)s, %(asker)s)
on conflict (subscription, version, caller) do update set asker = excluded.asker

-- bounds
select caller, asker from subscriptions.bounds where subscription = %(id)s and version = %(version)s
