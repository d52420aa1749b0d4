-- An account of people, as it is now.

-- staff_now
-- Whoever was ended, or has logged out of the session a token lives with, is nobody.
select a.roles, a.organisation, a.wards, a.practitioner
from access.staff a
where a.name = %(account)s and a.ended_at is null
  and (%(session)s = '' or exists (
      select from access.session s
      where s.id = %(session)s and s.account = a.name and s.kind = 'staff'
        and s.ends_at > %(now)s and not s.is_half
  ))

-- has_session
select exists (
    select from access.session s
    where s.id = %(session)s and s.account = %(account)s and s.kind = 'citizen'
      and s.ends_at > %(now)s
)
