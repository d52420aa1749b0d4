-- Passkeys and the challenges they answer.

-- forget_challenges
delete from access.challenge where expires_at < %(now)s

-- add_challenge
insert into access.challenge (challenge, account, expires_at)
values (%(challenge)s, %(account)s, %(expires_at)s)

-- use_challenge
delete from access.challenge
where challenge = %(challenge)s and account = %(account)s and expires_at >= %(now)s
returning challenge

-- add_passkey
insert into access.passkey (id, account, public_key, sign_count, name, created_at)
values (%(id)s, %(account)s, %(public_key)s, %(sign_count)s, %(name)s, %(now)s)
on conflict (id) do nothing
returning id

-- find_passkey
select p.account, p.public_key, p.sign_count
from access.passkey p
join access.staff a on a.name = p.account and a.ended_at is null
where p.id = %(id)s

-- passkeys_of
select id, name, created_at, used_at from access.passkey where account = %(account)s order by created_at, id

-- note_passkey
update access.passkey set sign_count = %(sign_count)s, used_at = %(now)s where id = %(id)s

-- remove_passkey
delete from access.passkey where account = %(account)s and id = %(id)s returning id

-- has_other_proof
select from access.staff a
where a.name = %(account)s
  and (a.proof is not null
       or exists (select from access.passkey p where p.account = a.name and p.id <> %(id)s))

-- note_activation
update access.staff set activated_at = coalesce(activated_at, %(now)s) where name = %(account)s
