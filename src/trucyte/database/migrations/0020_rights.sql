-- What persons ask about their data, what stands in the way of erasing, and who holds copies.
-- Texts are what people wrote; nothing here is ever logged.

-- A request under Law 91/2025. Its course is in the steps; `state` is that of the last one.
create table access.request (
    number bigint generated always as identity,
    person bigint not null,                -- person key, as the journal has it
    patient text collate "C" not null,     -- "Patient/x"
    kind text collate "C" not null,
    state text not null check (state in (
        'received', 'acknowledged', 'in-work', 'extended', 'answered', 'refused', 'dropped')),
    words text not null default '',        -- what is asked, in the person's words
    channel text not null,
    by text not null,                      -- "Patient/x", or "RelatedPerson/y" that acts for it
    organisation text collate "C" not null default '',  -- at whose door it came
    received_at timestamptz not null,
    acknowledge_by date not null,
    answer_by date not null,
    ended_at timestamptz,
    constraint request_pkey primary key (number)
);
create index request_person on access.request (person);
create index request_open on access.request (answer_by) where ended_at is null;

-- Each step with who and when; never altered.
create table access.request_step (
    request bigint not null references access.request (number),
    step integer not null,
    at timestamptz not null,
    account text not null,
    event text not null,
    state text not null,
    note text not null default '',
    article text not null default '',
    digest bytea,                          -- SHA-256 of the package that was handed over
    constraint request_step_pkey primary key (request, step)
);

-- While a hold stands nothing of the person is erased.
create table access.hold (
    number bigint generated always as identity,
    person bigint not null,
    patient text collate "C" not null,
    why text not null,
    article text not null default '',
    begun_at timestamptz not null,
    begun_by text not null,
    until date,                            -- its last day; null: until it is ended
    ended_at timestamptz,
    ended_by text not null default '',
    constraint hold_pkey primary key (number)
);
create index hold_person on access.hold (person) where ended_at is null;

-- To whom outside this node data of a person went, as far as is known.
create table access.holder (
    person bigint not null,
    holder text collate "C" not null,      -- "Organization/x", or a node's name
    how text not null,                     -- interaction of the trail, or "paper"
    first_at timestamptz not null,
    last_at timestamptz not null,
    constraint holder_pkey primary key (person, holder)
);

-- What a holder must be told: that a consent was withdrawn.
create table access.holder_notice (
    consent text collate "C" not null,
    version integer not null,              -- of the Consent that withdrew it
    holder text collate "C" not null,
    person bigint not null,
    state text not null check (state in ('waiting', 'sent', 'confirmed', 'unreachable')),
    why text not null default '',          -- code of why it cannot be reached
    made_at timestamptz not null,
    changed_at timestamptz not null,
    changed_by text not null default '',
    constraint holder_notice_pkey primary key (consent, version, holder)
);
create index holder_notice_person on access.holder_notice (person);
create index holder_notice_open on access.holder_notice (made_at)
    where state in ('waiting', 'unreachable');
