-- Who waits before the next try.

-- enter_lane
-- Counted and given its wait in one statement: tries side by side queue for the row.
insert into access.lane as l (lane, failures, until_at, tried_at)
values (%(lane)s, 1, %(now)s, %(now)s)
on conflict (lane) do update set
    failures = case when l.tried_at < %(forgotten)s then 1 else l.failures + 1 end,
    until_at = case
        when l.tried_at < %(forgotten)s or l.failures + 1 < %(free)s::int then %(now)s
        else %(now)s + interval '1 second'
            * least(%(most)s::int, power(2, least(l.failures + 1 - %(free)s::int, 20)))
    end,
    tried_at = %(now)s
where l.until_at <= %(now)s
returning failures

-- read_lane
select until_at from access.lane where lane = %(lane)s and until_at > %(now)s

-- leave_lane
update access.lane set failures = greatest(failures - 1, 0), until_at = least(until_at, %(now)s)
where lane = %(lane)s

-- forget_lane
delete from access.lane where lane = %(lane)s

-- forget_lanes
delete from access.lane where tried_at < %(before)s

-- know_device
select from access.device where account = %(account)s and device = %(device)s

-- remember_device
insert into access.device (account, device, used_at) values (%(account)s, %(device)s, %(now)s)
on conflict (account, device) do update set used_at = excluded.used_at

-- forget_devices
delete from access.device where account = %(account)s
