-- What the health page asks of the database.

-- database_facts
select current_setting('server_version'), pg_database_size(current_database())

-- accepted_by_hour
select date_trunc('hour', at), sum(last_seq - first_seq + 1)::bigint
from journal.batch
where at >= %(begin)s
group by 1

-- waiting_sources
select count(*) from intake.source where state in (1, 2)
