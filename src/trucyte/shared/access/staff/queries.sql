-- Accounts of people, their one-time links and the review of their rights.

-- lock_accounts
-- Two administrators who end each other at once: the second one looks when the first is done.
lock table access.staff in share row exclusive mode

-- add_account
-- A name is one of a person or of a system, never of both: the trail names who did it by it.
insert into access.staff (name, display, roles, organisation, wards, practitioner, created_at, created_by)
select %(name)s, %(display)s, %(roles)s, %(organisation)s, %(wards)s, %(practitioner)s, %(now)s, %(by)s
where not exists (select from access.account where name = %(name)s)
on conflict (name) do nothing
returning name

-- accounts
select a.name, a.display, a.roles, a.organisation, a.wards, a.practitioner, a.proof is not null,
       a.is_long, a.totp is not null,
       (select count(*) from access.passkey p where p.account = a.name)::int,
       a.created_at, a.created_by, a.activated_at, a.used_at, a.woken_at, a.ended_at, a.ended_by,
       a.handed_to, a.reviewed_at
from access.staff a
where %(name)s::text is null or a.name = %(name)s
order by a.ended_at is not null, a.name

-- count_administrators
select count(*) from access.staff
where 'administrator' = any (roles) and ended_at is null and activated_at is not null and name <> %(but)s

-- change_rights
update access.staff
set roles = %(roles)s, organisation = %(organisation)s, wards = %(wards)s,
    practitioner = %(practitioner)s, rights = rights + 1
where name = %(name)s

-- clear_proofs
update access.staff
set salt = null, proof = null, cost = null, is_long = false, totp = null, totp_next = null,
    woken_at = %(now)s
where name = %(name)s

-- forget_of
delete from access.session where account = %(name)s and kind = 'staff';
delete from access.staff_link where account = %(name)s;
delete from access.recovery where account = %(name)s;
delete from access.passkey where account = %(name)s;
delete from access.device where account = %(name)s

-- end_account
update access.staff
set ended_at = %(now)s, ended_by = %(by)s, handed_to = %(handed_to)s, salt = null, proof = null,
    cost = null, totp = null, totp_next = null, rights = rights + 1
where name = %(name)s

-- wake_account
update access.staff set woken_at = %(now)s where name = %(name)s

-- add_link
insert into access.staff_link (digest, account, expires_at)
values (%(digest)s, %(account)s, %(expires_at)s)

-- find_link
select account from access.staff_link where digest = %(digest)s and expires_at > %(now)s

-- forget_link
delete from access.staff_link where account = %(account)s

-- sign_off
with signed as (
    insert into access.review (account, at, by_account, verdict, roles)
    values (%(name)s, %(at)s, %(by)s, %(verdict)s, %(roles)s)
    returning account, at
)
update access.staff a set reviewed_at = s.at from signed s where a.name = s.account

-- reviews
select account, at, by_account, verdict, roles from access.review
where account = %(name)s order by at desc limit %(count)s

-- count_overdue
select count(*) from access.staff
where ended_at is null and coalesce(reviewed_at, created_at) < %(before)s

-- set_password
update access.staff
set salt = %(salt)s, proof = %(proof)s, cost = %(cost)s, is_long = %(is_long)s,
    activated_at = coalesce(activated_at, %(now)s)
where name = %(name)s

-- read_proof
select salt, proof, cost from access.staff where name = %(name)s and ended_at is null

-- read_standing
select rights, organisation, totp is not null,
       activated_at is not null
           and greatest(created_at, used_at, woken_at, activated_at) >= %(idle_since)s
from access.staff where name = %(name)s and ended_at is null

-- note_use
update access.staff set used_at = %(now)s where name = %(name)s
