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
