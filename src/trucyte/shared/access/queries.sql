-- Accounts of sending systems and their tokens.

-- add_account
insert into access.account (name, facility, organisation, salt, proof, created_at)
values (%(name)s, %(facility)s, %(organisation)s, %(salt)s, %(proof)s, %(now)s)
on conflict (name) do nothing
returning name

-- find_account
select name, facility, organisation, salt, proof from access.account where name = %(name)s and ended_at is null

-- list_accounts
select name, facility, created_at, ended_at, organisation from access.account order by name

-- end_account
update access.account set ended_at = %(now)s where name = %(name)s and ended_at is null
returning name

-- forget_tokens
delete from access.token where account = %(name)s or expires_at < %(now)s

-- add_token
insert into access.token (digest, account, expires_at)
values (%(digest)s, %(account)s, %(expires_at)s)

-- find_token
-- An account that was ended takes its tokens with it at once.
select a.name, a.facility, a.organisation
from access.token t
join access.account a on a.name = t.account
where t.digest = %(digest)s and t.expires_at > %(now)s and a.ended_at is null
