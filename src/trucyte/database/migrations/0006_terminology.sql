-- Terminology: what code systems, value sets and concept maps of the journal say, laid out
-- for asking. Derived by following the journal: to be emptied and filled again at any time.

create schema terminology;

-- One row a current CodeSystem, ValueSet or ConceptMap; parts of large systems have none.
create table terminology.artefact (
    seq bigint not null,                -- its line in the journal
    version integer not null,           -- of the resource
    concepts integer not null,
    valid_from date,                    -- both days inclusive; null: open
    valid_to date,
    type smallint not null,             -- fhir.types.TYPE_NUMBERS
    id text collate "C" not null,
    url text collate "C" not null,      -- canonical, without version
    edition text collate "C" not null,  -- business version
    title text not null,
    status text collate "C" not null,
    content text collate "C" not null,  -- CodeSystem.content; empty for the others
    list text collate "C" not null,     -- short name of a national list; empty: none
    keeper text collate "C" not null,   -- pack, operator; empty: came as any resource
    constraint artefact_pkey primary key (type, id)
);
create index artefact_url on terminology.artefact (url);

-- One row a term: a code has several where its words or dates changed, the newest last.
create table terminology.concept (
    position integer not null,          -- parents before children
    valid_from date,
    valid_to date,
    verified boolean not null,
    artefact text collate "C" not null, -- id of the CodeSystem
    code text collate "C" not null,
    display text not null,
    folded text collate "C" not null,   -- code, display and designations without marks
    parents text[] not null,
    detail text not null,               -- JSON: definition, designation, property; {} for none
    constraint concept_pkey primary key (artefact, position)
);
create index concept_code on terminology.concept (code, artefact);
create index concept_folded on terminology.concept using gin (folded gin_trgm_ops);

-- Raised with every change of the tables above, so that what is kept in memory is known stale.
create table terminology.state (
    one boolean not null default true,
    generation bigint not null,
    constraint state_pkey primary key (one),
    constraint state_is_one_row check (one)
);
insert into terminology.state values (true, 0);
