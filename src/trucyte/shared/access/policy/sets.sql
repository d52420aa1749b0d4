-- Sets of rules.

-- lock_rule_sets
lock table access.rule_set in exclusive mode

-- last_rule_set
select digest from access.rule_set order by number desc limit 1

-- add_rule_set
insert into access.rule_set (digest, noted_at) values (%(digest)s, %(now)s)
