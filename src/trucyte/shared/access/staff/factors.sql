-- Second factors and recovery codes.

-- keep_next_secret
update access.staff set totp_next = %(secret)s where name = %(name)s and ended_at is null

-- read_secrets
select totp, totp_next from access.staff where name = %(name)s and ended_at is null

-- take_next_secret
update access.staff set totp = totp_next, totp_next = null, totp_step = %(step)s where name = %(name)s

-- take_step
update access.staff set totp_step = %(step)s where name = %(name)s and totp_step < %(step)s
returning name

-- end_codes
update access.staff set totp = null, totp_next = null where name = %(name)s

-- add_recovery
insert into access.recovery (account, digest) values (%(account)s, %(digest)s)

-- use_recovery
delete from access.recovery where account = %(account)s and digest = %(digest)s returning account

-- count_recovery
select count(*) from access.recovery where account = %(account)s

-- forget_recovery
delete from access.recovery where account = %(account)s
