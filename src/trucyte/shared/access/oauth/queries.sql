-- What an authorization server remembers.

-- add_client
insert into access.client (id, name, kind, redirects, scopes, jwks, jwks_uri, organisation, launch_uri, binding, created_at)
values (%(id)s, %(name)s, %(kind)s, %(redirects)s, %(scopes)s, %(jwks)s, %(jwks_uri)s, %(organisation)s, %(launch_uri)s, %(binding)s, %(created_at)s)
on conflict (id) do nothing
returning id

-- list_clients
select id, name, kind, redirects, scopes, jwks, jwks_uri, organisation, launch_uri, binding, created_at, ended_at
from access.client
where %(id)s::text is null or (id = %(id)s and ended_at is null)
order by id

-- end_client
update access.client set ended_at = %(now)s where id = %(id)s and ended_at is null
returning id

-- list_keys
select id, public, sealed, published_at, begins_at from access.signing_key order by begins_at, id

-- lock_keys
lock table access.signing_key in exclusive mode

-- add_key
-- Of processes that find a key due together, one makes it.
insert into access.signing_key (id, public, sealed, published_at, begins_at)
select %(id)s, %(public)s, %(sealed)s, %(published_at)s, %(begins_at)s
where not exists (
    select from access.signing_key
    where begins_at > %(published_at)s or published_at > %(published_at)s - interval '1 minute'
)

-- begin_key
update access.signing_key set begins_at = %(now)s where id = %(id)s and begins_at > %(now)s

-- begin_delegation
insert into access.delegation (id, client, account, session, subject, scopes, context, made_at, ends_at)
values (%(id)s, %(client)s, %(account)s, %(session)s, %(subject)s, %(scopes)s, %(context)s, %(made_at)s, %(ends_at)s)

-- find_delegation
select id, client, account, session, subject, scopes, context, made_at, ends_at, ended_at
from access.delegation
where id = %(id)s and ended_at is null and ends_at > %(now)s

-- end_delegations
-- Their tokens are revoked in the same statement.
with ended as (
    update access.delegation set ended_at = %(now)s
    where ended_at is null and (
        id = %(id)s
        or account = %(account)s
        or client = %(client)s
        or (session = %(session)s and session <> '')
    )
    returning id
)
insert into access.revoked (id, at)
select 'd:' || id, %(now)s from ended
on conflict (id) do update set at = excluded.at

-- put_ticket
insert into access.ticket (kind, digest, client, delegation, body, ends_at)
values (%(kind)s, %(digest)s, %(client)s, %(delegation)s, %(body)s, %(ends_at)s)

-- look_ticket
select client, delegation, body, uses from access.ticket
where kind = %(kind)s and digest = %(digest)s and ends_at > %(now)s and uses = 0

-- take_ticket
-- Of two that take it together, one is the first.
update access.ticket set uses = uses + 1
where kind = %(kind)s and digest = %(digest)s and ends_at > %(now)s
returning client, delegation, body, uses

-- see_once
insert into access.once (digest, ends_at) values (%(digest)s, %(ends_at)s)
on conflict (digest) do nothing
returning digest

-- revoke
insert into access.revoked (id, at) values (%(id)s, %(now)s)
on conflict (id) do update set at = excluded.at

-- list_revoked
select id, extract(epoch from at)::float8 from access.revoked where at > %(now)s - interval '1 day'

-- purge_tickets
delete from access.ticket where ends_at < %(now)s

-- purge_once
delete from access.once where ends_at < %(now)s

-- purge_revoked
delete from access.revoked where at < %(now)s - interval '1 day'
