-- What permission asks of a person beside labels and owners: who treats it, and what it
-- agreed to. Derived from the resources of the journal inside every commit. Times are µs since
-- 1970, half open; a holder or actor is a number made of its reference, without a key, as
-- the number of an organisation is.

-- Who has to do with a person, and when.
create table records.relation (
    person bigint not null,
    holder bigint not null,        -- of `Practitioner/x`, `Organization/y`, `Location/ward` …
    begins bigint not null,
    ends bigint not null,
    seq bigint not null,           -- of the version that says so
    kind smallint not null         -- 1 visit, 2 episode, 3 team, 4 referral, 5 appointment, 6 task
);
create index relation_person on records.relation (person, holder);
create index relation_holder on records.relation (holder, person);

-- Who acts as whom: a practitioner in a role, a member for a team, the holder of an identifier.
create table records.membership (
    person bigint not null,        -- that the version is of, or its own key: what it is found by
    whole bigint not null,
    member bigint not null,
    begins bigint not null,
    ends bigint not null,
    seq bigint not null
);
create index membership_person on records.membership (person);
create index membership_member on records.membership (member);

-- What the consents in force say, a row for each rule of a consent's tree. A rule decides what
-- it matches unless one that hangs on it matches too.
create table records.provision (
    person bigint not null,
    seq bigint not null,           -- of the version of the Consent
    made bigint not null,          -- the newest of one scope decides
    begins bigint not null,
    ends bigint not null,
    number smallint not null,      -- in its consent, from 0
    parent smallint not null,      -- the rule it is an exception to; -1: none
    scope smallint not null,       -- 1 privacy, 2 research
    labels smallint not null,      -- 0: whatever the labels; bit 13: what has none
    is_permit boolean not null,
    actors bigint[] not null,      -- empty: anyone
    types smallint[] not null,     -- empty: of any type
    purposes text[] not null       -- v3 PurposeOfUse; empty: for any
);
create index provision_person on records.provision (person);

-- What a rebuild must give again: relations that were over when the last line was accepted may
-- have been swept.
create view records.current_relation as
    select relation.* from records.relation, journal.tail
    where relation.ends > extract(epoch from tail.at) * 1000000;

-- All that who holds some references acts as: roles, teams and identifiers, and those of
-- these; one set, however they turn in circles.
create function records.acting(holders bigint[], now bigint) returns bigint[]
    language sql stable strict parallel safe
    return array(
        with recursive held (number) as (
            select unnest(holders)
            union
            select part.whole from held join records.membership part
                on part.member = held.number and part.begins <= now and part.ends > now
        )
        select number from held
    );

-- A person key and those of all who are one person with it.
create function records.circle(of_person bigint) returns bigint[]
    language sql stable strict parallel safe
    return array(
        select of_person
        union
        select other.person
        from records.linked own join records.linked other on other.circle = own.circle
        where own.person = of_person
    );

-- Whether a rule is about a question, whatever the row.
create function records.is_asked(
    rule records.provision, held bigint[], purposes text[], now bigint
) returns boolean
    language sql immutable parallel safe
    return rule.begins <= now and rule.ends > now
        and (rule.purposes = '{}' or rule.purposes && purposes)
        and (rule.actors = '{}' or rule.actors && held);

-- Whether a rule is about a question and a row. A permit shows what has no labels but its own;
-- a refusal hides what has one of them.
create function records.is_matched(
    rule records.provision, type smallint, sensitivity smallint, held bigint[],
    purposes text[], now bigint
) returns boolean
    language sql immutable parallel safe
    return records.is_asked(rule, held, purposes, now)
        and (rule.types = '{}' or type = any(rule.types))
        and case
            when rule.labels = 0 then true
            when not rule.is_permit then sensitivity & rule.labels <> 0
            when sensitivity = 0 then rule.labels & 8192::smallint <> 0
            else sensitivity & ~rule.labels = 0
        end;

-- Whether consents refuse a row: a rule decides that matches while no exception to it does; of
-- one scope the newest consent decides, a refusal where two are as new; a refusal of any scope
-- wins. A plan made once: what differs from row to row says nothing of the way to go.
create function records.refuses(
    of_person bigint, of_type smallint, label smallint, held bigint[], asked text[], at bigint
) returns boolean
    language plpgsql stable parallel safe set plan_cache_mode = force_generic_plan
as $$
declare
    persons bigint[];
begin
    select array(
        select of_person
        union
        select other.person
        from records.linked own join records.linked other on other.circle = own.circle
        where own.person = of_person
    ) into persons;
    return exists (
        select from records.provision refusal
        where refusal.person = any(persons) and not refusal.is_permit
            and records.is_matched(refusal, of_type, label, held, asked, at)
            and not exists (
                select from records.provision nested
                where nested.person = refusal.person and nested.seq = refusal.seq
                    and nested.parent = refusal.number
                    and records.is_matched(nested, of_type, label, held, asked, at)
            )
            and not exists (
                select from records.provision permit
                where permit.person = any(persons) and permit.is_permit
                    and permit.scope = refusal.scope
                    and (permit.made, permit.seq) > (refusal.made, refusal.seq)
                    and records.is_matched(permit, of_type, label, held, asked, at)
                    and not exists (
                        select from records.provision nested
                        where nested.person = permit.person and nested.seq = permit.seq
                            and nested.parent = permit.number
                            and records.is_matched(nested, of_type, label, held, asked, at)
                    )
            )
    );
end
$$;

-- Whether a consent permits a row; whether one refuses it is asked beside.
create function records.permits(
    of_person bigint, of_type smallint, label smallint, held bigint[], asked text[], at bigint
) returns boolean
    language plpgsql stable parallel safe set plan_cache_mode = force_generic_plan
as $$
declare
    persons bigint[];
begin
    select array(
        select of_person
        union
        select other.person
        from records.linked own join records.linked other on other.circle = own.circle
        where own.person = of_person
    ) into persons;
    return exists (
        select from records.provision permit
        where permit.person = any(persons) and permit.is_permit
            and records.is_matched(permit, of_type, label, held, asked, at)
            and not exists (
                select from records.provision nested
                where nested.person = permit.person and nested.seq = permit.seq
                    and nested.parent = permit.number
                    and records.is_matched(nested, of_type, label, held, asked, at)
            )
    );
end
$$;
