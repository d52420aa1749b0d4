-- add_source
insert into intake.source (received_at, state, name, door) values (%s, 0, %s, %s)
returning number

-- add_part
insert into intake.part (source, place, size, body) values (%s, %s, %s, %s)

-- complete_source
update intake.source set size = %s, digest = %s, transaction = %s, state = 1 where number = %s

-- complete_original
update intake.source set size = %s, finished_at = %s, visits = 1, state = 5 where number = %s

-- forget_original
delete from intake.source where number = %s and state = 5

-- find_digest
select number from intake.source where digest = %s

-- find_transaction
select number from intake.source where transaction = %s

-- read_source
select number, name, door, size, received_at, finished_at, state, variant, facility, visits,
    visits_total, resources, errors, warnings, quarantined, coalesce(transaction, '')
from intake.source where number = %s and state > 0

-- list_sources
select number, name, door, size, received_at, finished_at, state, variant, facility, visits,
    visits_total, resources, errors, warnings, quarantined, coalesce(transaction, '')
from intake.source where state between 1 and 4 and number < %s order by number desc limit %s

-- list_visits
select source, ordinal, link, encounter, outcome, restricted, findings
from intake.visit where source = %s and ordinal > %s order by ordinal limit %s

-- list_visits_with_findings
select source, ordinal, link, encounter, outcome, restricted, findings
from intake.visit where source = %s and ordinal > %s and findings is not null
order by ordinal limit %s

-- count_findings
select finding ->> 0, count(*)
from intake.visit, jsonb_array_elements(findings) as finding
where source = %s and findings is not null and (%s or not restricted)
group by 1 order by 1

-- count_reasons
select reason, count(*) from intake.quarantine
where source = %s and resolved_at is null group by 1 order by 1

-- sum_files
select coalesce(sum(visits), 0) from intake.source where number = any(%s)

-- sum_findings
select finding ->> 0, count(*)
from intake.visit, jsonb_array_elements(findings) as finding
where source = any(%s) and findings is not null
group by 1

-- sum_reasons
select reason, count(*) from intake.quarantine
where source = any(%s) and resolved_at is null group by 1

-- list_parts
select place, size from intake.part where source = %s order by place

-- read_part
select body from intake.part where source = %s and place = %s

-- open_sources
select number from intake.source where state in (1, 2) order by number

-- lock_source
-- Held by the session: a process that is killed lets go of it at once.
select pg_try_advisory_lock(7236, %s)

-- unlock_source
select pg_advisory_unlock(7236, %s)

-- start_source
update intake.source set state = 2 where number = %s and state in (1, 2)
returning visits, resources

-- describe_source
update intake.source
set variant = case when variant = '' then %s else variant end,
    facility = case when facility = '' then %s else facility end,
    visits_total = coalesce(%s, visits_total)
where number = %s

-- note_signature
update intake.source set signed = true where number = %s

-- finish_source
-- Failed: there was something, and all of it lies in quarantine.
update intake.source set finished_at = %s, state = case
    when quarantined > 0
        and not exists (select from intake.visit where source = %s and outcome <> 4)
    then 4 else 3 end
where number = %s

-- forget_visits
delete from intake.visit where source = %s and ordinal > %s

-- resolve_rest
update intake.quarantine set resolved_at = %s
where source = %s and ordinal > %s and resolved_at is null

-- reopen_source
update intake.source set state = 1, finished_at = null where number = %s

-- seen_ordinals
select ordinal from intake.visit where source = %s order by ordinal

-- add_visits
insert into intake.visit (
    source, ordinal, resources, errors, warnings, outcome, restricted, link, encounter, findings
)
select * from unnest(
    %s::bigint[], %s::integer[], %s::integer[], %s::integer[], %s::integer[], %s::smallint[],
    %s::boolean[], %s::text[], %s::text[], %s::jsonb[]
)
on conflict (source, ordinal) do update set
    resources = excluded.resources, errors = excluded.errors, warnings = excluded.warnings,
    outcome = excluded.outcome, restricted = excluded.restricted, link = excluded.link,
    encounter = excluded.encounter, findings = excluded.findings

-- add_quarantine
insert into intake.quarantine (
    source, ordinal, at, size, made_on, restricted, form, facility, reason, facts, body
) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (source, ordinal) do update set
    reason = excluded.reason, facts = excluded.facts, tries = quarantine.tries + 1,
    resolved_at = null

-- resolve_quarantine
update intake.quarantine set resolved_at = %s, tries = tries + 1
where source = %s and ordinal = %s and resolved_at is null

-- count_visits
-- The counts of a source are always the sums of its rows, so that no crash can skew them.
update intake.source set
    visits = total.visits, resources = total.resources, errors = total.errors,
    warnings = total.warnings, quarantined = total.quarantined
from (
    select count(*) as visits,
        coalesce(sum(resources), 0) as resources, coalesce(sum(errors), 0) as errors,
        coalesce(sum(warnings), 0) as warnings, count(*) filter (where outcome = 4) as quarantined
    from intake.visit where source = %s
) as total
where number = %s

-- add_counts
update intake.source set
    visits = visits + %s, resources = resources + %s, errors = errors + %s,
    warnings = warnings + %s, quarantined = quarantined + %s
where number = %s

-- list_quarantine
-- Where nothing could be cut out, the bytes are those of the whole source.
select quarantine.number, quarantine.source, ordinal, reason, facts, at,
    case when quarantine.size > 0 then quarantine.size else source.size end, resolved_at
from intake.quarantine join intake.source on source.number = quarantine.source
where resolved_at is null or %s order by quarantine.number desc

-- read_quarantine
select quarantine.number, quarantine.source, ordinal, reason, facts, at,
    case when quarantine.size > 0 then quarantine.size else source.size end, resolved_at,
    form, quarantine.facility, made_on, restricted, tries, body
from intake.quarantine join intake.source on source.number = quarantine.source
where quarantine.number = %s

-- find_latest
select id, happened, made_on from intake.latest where id = any(%s)

-- move_latest
insert into intake.latest (person, happened, made_on, id)
select distinct on (id) person, happened, made_on, id
from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) as new (person, happened, made_on, id)
order by id, happened desc, made_on desc
on conflict (id) do update set happened = excluded.happened, made_on = excluded.made_on
where (latest.happened, latest.made_on) < (excluded.happened, excluded.made_on)

-- clear_latest
delete from intake.latest

-- next_source
-- A number for a file that is not kept: no source has it, none will.
select nextval(pg_get_serial_sequence('intake.source', 'number'))

-- analyze_records
analyze records.entry, records.date, records.quantity, records.text
