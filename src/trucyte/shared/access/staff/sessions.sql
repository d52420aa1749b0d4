-- Sessions of people at the pages.

-- add_session
insert into access.session
    (digest, id, kind, account, persons, assurance, is_half, rights, browser, begun_at, seen_at, ends_at)
values (%(digest)s, %(id)s, %(kind)s, %(account)s, %(persons)s, %(assurance)s, %(is_half)s, %(rights)s,
        %(browser)s, %(now)s, %(now)s, %(ends_at)s)

-- find_session
-- An account that was ended takes its sessions with it at once; changed rights lock them.
select s.id, s.kind, s.account, s.persons, s.assurance, s.is_half,
       s.locked_at is not null or (not s.is_half and s.seen_at < %(idle_before)s)
           or (a.name is not null and a.rights <> s.rights) as is_locked,
       s.ends_at, coalesce(a.display, ''), coalesce(a.roles, '{}'), coalesce(a.organisation, ''),
       coalesce(a.wards, '{}'), coalesce(a.practitioner, '')
from access.session s
left join access.staff a on s.kind = 'staff' and a.name = s.account
where s.digest = %(digest)s and s.ends_at > %(now)s
  and (s.kind <> 'staff' or (a.name is not null and a.ended_at is null))

-- touch_session
-- Where someone works, the account is in use.
with touched as (
    update access.session set seen_at = %(now)s
    where digest = %(digest)s and seen_at < %(stale)s and seen_at >= %(idle_before)s
      and locked_at is null and not is_half
    returning account, kind
)
update access.staff a set used_at = %(now)s
from touched t where t.kind = 'staff' and a.name = t.account

-- renew_session
update access.session
set digest = %(fresh)s, assurance = %(assurance)s, rights = %(rights)s, seen_at = %(now)s,
    locked_at = null, tries = 0,
    ends_at = case when is_half then %(ends_at)s else ends_at end, is_half = false
where digest = %(digest)s and ends_at > %(now)s
returning id

-- lock_session
update access.session set locked_at = %(now)s where digest = %(digest)s and locked_at is null

-- try_session
update access.session set tries = tries + 1 where digest = %(digest)s returning tries

-- end_session
delete from access.session where digest = %(digest)s

-- end_session_of
delete from access.session where account = %(account)s and id = %(id)s returning id

-- end_others
delete from access.session where account = %(account)s and id <> %(id)s

-- sessions_of
select id, browser, begun_at, seen_at, locked_at is not null or seen_at < %(idle_before)s
from access.session
where account = %(account)s and kind = 'staff' and ends_at > %(now)s and not is_half
order by begun_at desc

-- forget_ended
delete from access.session where ends_at < %(now)s
