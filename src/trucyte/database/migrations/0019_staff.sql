-- People at the pages: their accounts, what proves that it is they, and the sessions they hold.
-- No password, code, token or link is kept, only what proves one; nothing is a person's name but
-- what an account is displayed as.

create table access.staff (
    name text collate "C" not null,             -- what one logs in with, not a person's name
    display text not null,                      -- as the pages show it: "BS. Lê Thị Mẫu"
    roles text[] not null,
    organisation text collate "C" not null,     -- reference, "Organization/79001"; empty: the node
    wards text[] not null,                      -- references, "Location/x"
    practitioner text collate "C" not null,     -- reference, "Practitioner/x"; empty: none
    salt bytea,
    proof bytea,                                -- scrypt of the password; null: none was set yet
    cost smallint,                              -- log2 of the N that the proof was made with
    is_long boolean not null default false,     -- whether the password does without a second factor
    totp bytea,                                 -- secret of the second factor, encrypted
    totp_next bytea,                            -- one being set up, encrypted
    totp_step bigint not null default 0,        -- the last time step that was used: a code counts once
    rights integer not null default 0,          -- grows with every change of rights
    created_at timestamptz not null,
    created_by text collate "C" not null,
    activated_at timestamptz,                   -- a password or passkey was set first
    used_at timestamptz,                        -- last login or work
    woken_at timestamptz,                       -- enabled again after being idle
    ended_at timestamptz,
    ended_by text collate "C",
    handed_to text collate "C",                 -- the account that a leaver's work goes to
    reviewed_at timestamptz,                    -- rights signed off last
    constraint staff_pkey primary key (name)
);

create table access.staff_link (
    digest bytea not null,                      -- SHA-256 of the one-time link's secret
    account text collate "C" not null,
    expires_at timestamptz not null,
    constraint staff_link_pkey primary key (digest),
    constraint staff_link_account_fkey foreign key (account) references access.staff (name)
);

create index staff_link_account on access.staff_link (account);

create table access.recovery (
    account text collate "C" not null,
    digest bytea not null,                      -- keyed hash of a recovery code; used ones are gone
    constraint recovery_pkey primary key (account, digest),
    constraint recovery_account_fkey foreign key (account) references access.staff (name)
);

create table access.passkey (
    id bytea not null,                          -- the credential's own id
    account text collate "C" not null,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,                         -- what its holder calls it
    created_at timestamptz not null,
    used_at timestamptz,
    constraint passkey_pkey primary key (id),
    constraint passkey_account_fkey foreign key (account) references access.staff (name)
);

create index passkey_account on access.passkey (account);

create table access.challenge (
    challenge bytea not null,
    account text collate "C" not null,          -- empty: whoever answers it
    expires_at timestamptz not null,
    constraint challenge_pkey primary key (challenge)
);

create table access.session (
    digest bytea not null,                      -- SHA-256 of the cookie
    id text collate "C" not null,               -- its name in lists; stays when the cookie changes
    kind text collate "C" not null,             -- staff, citizen
    account text collate "C" not null,
    persons bigint[] not null,                  -- of a citizen: own key and those acted for
    assurance smallint not null,
    is_half boolean not null,                   -- a second factor is still asked for
    tries smallint not null default 0,          -- wrong codes of a half session
    rights integer not null,                    -- those of the account when it began
    browser text not null,                      -- coarse: "Firefox, Linux"
    begun_at timestamptz not null,
    seen_at timestamptz not null,
    locked_at timestamptz,
    ends_at timestamptz not null,
    constraint session_pkey primary key (digest),
    constraint session_id unique (id)
);

create index session_account on access.session (account);
create index session_end on access.session (ends_at);

-- Who waits before the next try. A lane is a keyed hash of an account and a source, of a source
-- alone, or of an account and a browser that logged in before; none tells what was typed.
create table access.lane (
    lane bytea not null,
    failures integer not null,
    until_at timestamptz not null,
    tried_at timestamptz not null,
    constraint lane_pkey primary key (lane)
);

create index lane_tried on access.lane (tried_at);

create table access.device (
    account text collate "C" not null,
    device bytea not null,                      -- keyed hash of a browser's cookie
    used_at timestamptz not null,
    constraint device_pkey primary key (account, device),
    constraint device_account_fkey foreign key (account) references access.staff (name)
);

create table access.review (
    account text collate "C" not null,
    at timestamptz not null,
    by_account text collate "C" not null,
    verdict text collate "C" not null,          -- keep, change, end
    roles text[] not null,                      -- as they were left
    constraint review_pkey primary key (account, at),
    constraint review_account_fkey foreign key (account) references access.staff (name)
);
