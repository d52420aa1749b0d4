-- Who may use a door: accounts of sending systems, and the tokens they were given.
-- Neither a password nor a token is kept, only what proves one.

create schema access;

create table access.account (
    name text collate "C" not null,
    facility text collate "C" not null,     -- MA_CSKCB it may send for; empty: any
    salt bytea not null,
    proof bytea not null,                   -- scrypt over the upper-case MD5 that HIS clients send
    created_at timestamptz not null,
    ended_at timestamptz,
    constraint account_pkey primary key (name)
);

create table access.token (
    digest bytea not null,                  -- SHA-256 of the token
    account text collate "C" not null,
    expires_at timestamptz not null,
    constraint token_pkey primary key (digest),
    constraint token_account_fkey foreign key (account) references access.account (name)
);

create index token_expiry on access.token (expires_at);
