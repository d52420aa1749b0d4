-- Tokens of applications: who may ask for them, what people let them do, what signs them.
-- Of a secret only its SHA-256 is kept.

create table access.client (
    id              text collate "C" primary key,
    name            text not null,             -- as people read it when they are asked
    kind            text not null check (kind in ('app', 'system')),
    redirects       text[] not null,           -- exact addresses it may be answered at
    scopes          text[] not null,           -- the most it is ever given
    jwks            text not null,             -- its public keys; empty: at jwks_uri, or none
    jwks_uri        text not null,
    organisation    text not null,             -- for whom a system acts, Organization/x
    launch_uri      text not null,
    binding         text not null check (binding in ('', 'dpop', 'mtls')),
    created_at      timestamptz not null,
    ended_at        timestamptz
);

create table access.signing_key (
    id              text collate "C" primary key,
    public          text not null,             -- JWK
    sealed          bytea not null,            -- the private JWK under a key of the keyring
    published_at    timestamptz not null,
    begins_at       timestamptz not null       -- it signs from then until a later one does
);

-- What one person let one application do. Its tokens live and end with it.
create table access.delegation (
    id              text collate "C" primary key,
    client          text collate "C" not null,
    account         text collate "C" not null,
    session         text collate "C" not null, -- empty: outlives the session
    subject         text not null,             -- the account as it was, JSON
    scopes          text[] not null,
    context         text not null,             -- patient and encounter, JSON
    made_at         timestamptz not null,
    ends_at         timestamptz not null,
    ended_at        timestamptz,
    constraint delegation_client_fkey foreign key (client) references access.client (id)
);

create index delegation_account on access.delegation (account) where ended_at is null;
create index delegation_session on access.delegation (session)
    where ended_at is null and session <> '';
create index delegation_client on access.delegation (client) where ended_at is null;

-- Secrets that count once: codes, refresh tokens, requests put by.
create table access.ticket (
    kind            text not null,
    digest          bytea not null,
    client          text collate "C" not null,
    delegation      text collate "C" not null,
    body            bytea not null,
    ends_at         timestamptz not null,
    uses            integer not null default 0,
    constraint ticket_pkey primary key (kind, digest)
);

create index ticket_end on access.ticket (ends_at);

-- What was seen and must not come again: ids of assertions and of proofs.
create table access.once (
    digest          bytea primary key,
    ends_at         timestamptz not null
);

create index once_end on access.once (ends_at);

-- t: a token, d: a delegation, c: a client. What was made up to `at` counts no more.
create table access.revoked (
    id              text collate "C" primary key,
    at              timestamptz not null
);
