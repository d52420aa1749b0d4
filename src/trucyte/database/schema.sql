-- What the migrations build. Written by `make schema`; do not edit.

create schema access;

create schema audit;

create schema database;

create schema identity;

create schema intake;

create schema jobs;

create schema journal;

create schema records;

create schema subscriptions;

create schema terminology;

create extension pg_trgm with schema public;

create table access.account (
    name text collate "C" not null,
    facility text collate "C" not null,
    salt bytea not null,
    proof bytea not null,
    created_at timestamp with time zone not null,
    ended_at timestamp with time zone,
    organisation text collate "C" default ''::text not null
);

create table access.challenge (
    challenge bytea not null,
    account text collate "C" not null,
    expires_at timestamp with time zone not null
);

create table access.client (
    id text collate "C" not null,
    name text not null,
    kind text not null,
    redirects text[] not null,
    scopes text[] not null,
    jwks text not null,
    jwks_uri text not null,
    organisation text not null,
    launch_uri text not null,
    binding text not null,
    created_at timestamp with time zone not null,
    ended_at timestamp with time zone
);

create table access.delegation (
    id text collate "C" not null,
    client text collate "C" not null,
    account text collate "C" not null,
    session text collate "C" not null,
    subject text not null,
    scopes text[] not null,
    context text not null,
    made_at timestamp with time zone not null,
    ends_at timestamp with time zone not null,
    ended_at timestamp with time zone
);

create table access.device (
    account text collate "C" not null,
    device bytea not null,
    used_at timestamp with time zone not null
);

create table access.lane (
    lane bytea not null,
    failures integer not null,
    until_at timestamp with time zone not null,
    tried_at timestamp with time zone not null
);

create table access.once (
    digest bytea not null,
    ends_at timestamp with time zone not null
);

create table access.passkey (
    id bytea not null,
    account text collate "C" not null,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    created_at timestamp with time zone not null,
    used_at timestamp with time zone
);

create table access.recovery (
    account text collate "C" not null,
    digest bytea not null
);

create table access.review (
    account text collate "C" not null,
    at timestamp with time zone not null,
    by_account text collate "C" not null,
    verdict text collate "C" not null,
    roles text[] not null
);

create table access.revoked (
    id text collate "C" not null,
    at timestamp with time zone not null
);

create table access.session (
    digest bytea not null,
    id text collate "C" not null,
    kind text collate "C" not null,
    account text collate "C" not null,
    persons bigint[] not null,
    assurance smallint not null,
    is_half boolean not null,
    tries smallint default 0 not null,
    rights integer not null,
    browser text not null,
    begun_at timestamp with time zone not null,
    seen_at timestamp with time zone not null,
    locked_at timestamp with time zone,
    ends_at timestamp with time zone not null
);

create table access.signing_key (
    id text collate "C" not null,
    public text not null,
    sealed bytea not null,
    published_at timestamp with time zone not null,
    begins_at timestamp with time zone not null
);

create table access.staff (
    name text collate "C" not null,
    display text not null,
    roles text[] not null,
    organisation text collate "C" not null,
    wards text[] not null,
    practitioner text collate "C" not null,
    salt bytea,
    proof bytea,
    cost smallint,
    is_long boolean default false not null,
    totp bytea,
    totp_next bytea,
    totp_step bigint default 0 not null,
    rights integer default 0 not null,
    created_at timestamp with time zone not null,
    created_by text collate "C" not null,
    activated_at timestamp with time zone,
    used_at timestamp with time zone,
    woken_at timestamp with time zone,
    ended_at timestamp with time zone,
    ended_by text collate "C",
    handed_to text collate "C",
    reviewed_at timestamp with time zone
);

create table access.staff_link (
    digest bytea not null,
    account text collate "C" not null,
    expires_at timestamp with time zone not null
);

create table access.ticket (
    kind text not null,
    digest bytea not null,
    client text collate "C" not null,
    delegation text collate "C" not null,
    body bytea not null,
    ends_at timestamp with time zone not null,
    uses integer default 0 not null
);

create table access.token (
    digest bytea not null,
    account text collate "C" not null,
    expires_at timestamp with time zone not null
);

create table audit.batch (
    last_seq bigint not null,
    first_seq bigint not null,
    number bigint not null,
    at timestamp with time zone not null,
    root bytea not null,
    chain bytea not null,
    nodes bytea not null
);

create table audit.change (
    seq bigint not null,
    accepted_at timestamp with time zone not null,
    person bigint not null,
    previous bigint not null,
    source bigint not null,
    version integer not null,
    source_row integer not null,
    meta_offset integer not null,
    origin smallint not null,
    type smallint not null,
    operation smallint not null,
    data_group smallint not null,
    codec smallint not null,
    id text collate "C" not null,
    salt bytea not null,
    leaf bytea not null,
    body bytea not null
) partition by RANGE (seq);

create table audit.checkpoint (
    batches bigint not null,
    last_seq bigint not null,
    at timestamp with time zone not null,
    epoch integer not null,
    root bytea not null,
    chain bytea not null,
    key text not null,
    signature bytea not null
);

create table audit.cursor (
    name text not null,
    seq bigint not null,
    epoch integer not null
) with (fillfactor=50);

create table audit.erasure (
    seq bigint not null,
    inner_hash bytea not null
);

create table audit.key (
    id text not null,
    public bytea not null,
    valid_from timestamp with time zone not null,
    valid_to timestamp with time zone
);

create table audit.shown (
    seq bigint not null,
    persons bigint[] not null
);

create table audit.tail (
    single boolean default true not null,
    last_seq bigint not null,
    batches bigint not null,
    at timestamp with time zone not null,
    chain bytea not null,
    peaks bytea not null,
    epoch integer not null,
    partition_end bigint not null,
    partition_rows bigint not null,
    checkpoint_batches bigint not null,
    checkpoint_at timestamp with time zone not null
) with (fillfactor=10);

create table database.migration (
    number integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamp with time zone default now() not null
);

create table identity.form (
    one boolean default true not null,
    form text not null,
    is_whole boolean not null
);

create table identity.key (
    hash bigint not null,
    seq bigint not null
);

create table identity.pair (
    number bigint generated always as identity,
    low_origin smallint not null,
    high_origin smallint not null,
    low_id text collate "C" not null,
    high_id text collate "C" not null,
    state text not null,
    weight real not null,
    probability real not null,
    model text not null,
    rules text[] not null,
    verdict text not null,
    parts jsonb not null,
    organisations bigint[] not null,
    proposed_at timestamp with time zone not null,
    decided_at timestamp with time zone,
    decided_by text default ''::text not null
);

create table identity.person (
    seq bigint not null,
    person bigint not null,
    origin smallint not null,
    id text collate "C" not null,
    fields bytea not null
);

create table intake.latest (
    person bigint not null,
    happened text collate "C" not null,
    made_on text collate "C" not null,
    id text collate "C" not null
);

create table intake.part (
    source bigint not null,
    place integer not null,
    size integer not null,
    body bytea not null
);

create table intake.quarantine (
    number bigint generated always as identity,
    source bigint not null,
    at timestamp with time zone not null,
    resolved_at timestamp with time zone,
    ordinal integer not null,
    size integer not null,
    tries integer default 1 not null,
    made_on date,
    restricted boolean not null,
    form text not null,
    facility text not null,
    reason text not null,
    facts jsonb not null,
    body bytea not null
);

create table intake.source (
    number bigint generated always as identity,
    received_at timestamp with time zone not null,
    finished_at timestamp with time zone,
    size bigint default 0 not null,
    resources bigint default 0 not null,
    state smallint not null,
    visits integer default 0 not null,
    visits_total integer,
    errors integer default 0 not null,
    warnings integer default 0 not null,
    quarantined integer default 0 not null,
    signed boolean default false not null,
    name text not null,
    door text not null,
    variant text default ''::text not null,
    facility text default ''::text not null,
    transaction text,
    digest bytea
);

create table intake.visit (
    source bigint not null,
    ordinal integer not null,
    resources integer not null,
    errors integer not null,
    warnings integer not null,
    outcome smallint not null,
    restricted boolean not null,
    link text not null,
    encounter text collate "C" not null,
    findings jsonb
);

create table jobs.job (
    id bigint generated always as identity,
    kind text not null,
    key text,
    body bytea not null,
    priority smallint default 0 not null,
    state text default 'waiting'::text not null,
    attempts integer default 0 not null,
    attempts_max integer not null,
    due_at timestamp with time zone not null,
    worker text,
    lease_until timestamp with time zone,
    done bigint default 0 not null,
    total bigint,
    cancel_asked boolean default false not null,
    problem text,
    created_at timestamp with time zone not null,
    ended_at timestamp with time zone
);

create table journal.batch (
    last_seq bigint not null,
    first_seq bigint not null,
    number bigint not null,
    at timestamp with time zone not null,
    root bytea not null,
    chain bytea not null,
    nodes bytea not null
);

create table journal.behalf (
    source bigint not null,
    organisation bigint not null,
    source_row integer not null,
    is_sender boolean not null
);

create table journal.change (
    seq bigint not null,
    accepted_at timestamp with time zone not null,
    person bigint not null,
    previous bigint not null,
    source bigint not null,
    version integer not null,
    source_row integer not null,
    meta_offset integer not null,
    origin smallint not null,
    type smallint not null,
    operation smallint not null,
    data_group smallint not null,
    codec smallint not null,
    id text collate "C" not null,
    salt bytea not null,
    leaf bytea not null,
    body bytea not null
) partition by RANGE (seq);

create table journal.checkpoint (
    batches bigint not null,
    last_seq bigint not null,
    at timestamp with time zone not null,
    epoch integer not null,
    root bytea not null,
    chain bytea not null,
    key text not null,
    signature bytea not null
);

create table journal.cursor (
    name text not null,
    seq bigint not null,
    epoch integer not null
) with (fillfactor=50);

create table journal.dictionary (
    number smallint not null,
    type smallint not null,
    version integer not null,
    content bytea not null
);

create table journal.erasure (
    seq bigint not null,
    inner_hash bytea not null
);

create table journal.head (
    key uuid not null,
    seq bigint not null,
    version integer not null,
    operation smallint not null
) with (fillfactor=95);

create table journal.key (
    id text not null,
    public bytea not null,
    valid_from timestamp with time zone not null,
    valid_to timestamp with time zone
);

create table journal.organisation (
    number bigint not null,
    reference text collate "C" not null
);

create table journal.origin (
    number smallint not null,
    node text not null,
    name text not null
);

create table journal.standing (
    source bigint generated always as identity,
    organisation bigint not null,
    account text collate "C" not null
);

create table journal.tail (
    single boolean default true not null,
    last_seq bigint not null,
    batches bigint not null,
    at timestamp with time zone not null,
    chain bytea not null,
    peaks bytea not null,
    epoch integer not null,
    partition_end bigint not null,
    partition_rows bigint not null,
    checkpoint_batches bigint not null,
    checkpoint_at timestamp with time zone not null
) with (fillfactor=10);

create table records.date (
    seq bigint not null,
    low bigint not null,
    high bigint not null,
    parameter integer not null
);

create table records.ended (
    seq bigint not null,
    last_updated bigint not null,
    reference bigint not null,
    person bigint not null,
    present bigint not null,
    date_low bigint,
    date_high bigint,
    quantity_low double precision,
    quantity_high double precision,
    origin smallint not null,
    type smallint not null,
    sensitivity smallint not null,
    tokens bigint[] not null,
    ended bigint not null,
    ended_at bigint not null,
    organisations bigint[] default '{}'::bigint[] not null
);

create table records.entry (
    seq bigint not null,
    last_updated bigint not null,
    reference bigint not null,
    person bigint not null,
    present bigint not null,
    date_low bigint,
    date_high bigint,
    quantity_low double precision,
    quantity_high double precision,
    origin smallint not null,
    type smallint not null,
    sensitivity smallint not null,
    tokens bigint[] not null,
    organisations bigint[] default '{}'::bigint[] not null
);

create table records.horizon (
    one boolean default true not null,
    seq bigint not null
);

create table records.linked (
    person bigint not null,
    circle bigint not null,
    reference bigint not null,
    node text collate "C" not null,
    id text collate "C" not null
);

create table records.membership (
    person bigint not null,
    whole bigint not null,
    member bigint not null,
    begins bigint not null,
    ends bigint not null,
    seq bigint not null
);

create table records.pair (
    linkage bigint not null,
    person bigint not null,
    other bigint not null,
    state smallint not null
);

create table records.parameter (
    id text not null,
    seq bigint not null,
    walked bigint not null,
    done bigint not null,
    total bigint not null,
    rate integer not null,
    state smallint not null,
    sides integer[] not null,
    types text[] not null,
    body text not null
);

create table records.phrase (
    token bigint not null,
    parameter integer not null,
    value text collate "C" not null
);

create table records.plan (
    one boolean default true not null,
    stamp bigint not null,
    seq bigint not null
);

create table records.provision (
    person bigint not null,
    seq bigint not null,
    made bigint not null,
    begins bigint not null,
    ends bigint not null,
    number smallint not null,
    parent smallint not null,
    scope smallint not null,
    labels smallint not null,
    is_permit boolean not null,
    actors bigint[] not null,
    types smallint[] not null,
    purposes text[] not null
);

create table records.quantity (
    seq bigint not null,
    low double precision not null,
    high double precision not null,
    parameter integer not null,
    units bigint[] not null,
    components bigint[] not null
);

create table records.relation (
    person bigint not null,
    holder bigint not null,
    begins bigint not null,
    ends bigint not null,
    seq bigint not null,
    kind smallint not null
);

create table records.text (
    seq bigint not null,
    parameter integer not null,
    value text collate "C" not null
);

create table subscriptions.bounds (
    subscription text not null,
    version integer not null,
    caller text not null,
    asker text not null
);

create table subscriptions.event (
    subscription text not null,
    number bigint not null,
    seq bigint not null,
    type smallint not null,
    resource text not null,
    version integer not null,
    operation smallint not null,
    at timestamp with time zone not null
);

create table subscriptions.subscription (
    id text not null,
    version integer not null,
    seq bigint not null,
    caller text not null,
    purpose text not null,
    organisation text not null,
    channel text not null,
    status text not null,
    problem text default ''::text not null,
    reason text default ''::text not null,
    told_status text not null,
    events bigint default 0 not null,
    delivered bigint default 0 not null,
    failures integer default 0 not null,
    due_at timestamp with time zone not null,
    heartbeat_seconds integer,
    ends_at timestamp with time zone,
    tried_at timestamp with time zone,
    delivered_at timestamp with time zone,
    asker text default ''::text not null
);

create table terminology.artefact (
    seq bigint not null,
    version integer not null,
    concepts integer not null,
    valid_from date,
    valid_to date,
    type smallint not null,
    id text collate "C" not null,
    url text collate "C" not null,
    edition text collate "C" not null,
    title text not null,
    status text collate "C" not null,
    content text collate "C" not null,
    list text collate "C" not null,
    keeper text collate "C" not null
);

create table terminology.concept (
    "position" integer not null,
    valid_from date,
    valid_to date,
    verified boolean not null,
    artefact text collate "C" not null,
    code text collate "C" not null,
    display text not null,
    folded text collate "C" not null,
    parents text[] not null,
    detail text not null
);

create table terminology.state (
    one boolean default true not null,
    generation bigint not null
);

create table audit.change_0 partition of audit.change FOR VALUES FROM ('1') TO ('10000001');

create table journal.change_0 partition of journal.change FOR VALUES FROM ('1') TO ('10000001');

alter table access.account add constraint account_pkey PRIMARY KEY (name);

alter table access.challenge add constraint challenge_pkey PRIMARY KEY (challenge);

alter table access.client add constraint client_binding_check CHECK ((binding = ANY (ARRAY[''::text, 'dpop'::text, 'mtls'::text])));

alter table access.client add constraint client_kind_check CHECK ((kind = ANY (ARRAY['app'::text, 'system'::text])));

alter table access.client add constraint client_pkey PRIMARY KEY (id);

alter table access.delegation add constraint delegation_pkey PRIMARY KEY (id);

alter table access.device add constraint device_pkey PRIMARY KEY (account, device);

alter table access.lane add constraint lane_pkey PRIMARY KEY (lane);

alter table access.once add constraint once_pkey PRIMARY KEY (digest);

alter table access.passkey add constraint passkey_pkey PRIMARY KEY (id);

alter table access.recovery add constraint recovery_pkey PRIMARY KEY (account, digest);

alter table access.review add constraint review_pkey PRIMARY KEY (account, at);

alter table access.revoked add constraint revoked_pkey PRIMARY KEY (id);

alter table access.session add constraint session_id UNIQUE (id);

alter table access.session add constraint session_pkey PRIMARY KEY (digest);

alter table access.signing_key add constraint signing_key_pkey PRIMARY KEY (id);

alter table access.staff add constraint staff_pkey PRIMARY KEY (name);

alter table access.staff_link add constraint staff_link_pkey PRIMARY KEY (digest);

alter table access.ticket add constraint ticket_pkey PRIMARY KEY (kind, digest);

alter table access.token add constraint token_pkey PRIMARY KEY (digest);

alter table audit.batch add constraint batch_number_key UNIQUE (number);

alter table audit.batch add constraint batch_pkey PRIMARY KEY (last_seq);

alter table audit.change add constraint change_pkey PRIMARY KEY (seq);

alter table audit.checkpoint add constraint checkpoint_pkey PRIMARY KEY (epoch, batches);

alter table audit.cursor add constraint cursor_pkey PRIMARY KEY (name);

alter table audit.erasure add constraint erasure_pkey PRIMARY KEY (seq);

alter table audit.key add constraint key_pkey PRIMARY KEY (id);

alter table audit.shown add constraint shown_pkey PRIMARY KEY (seq);

alter table audit.tail add constraint tail_is_one_row CHECK (single);

alter table audit.tail add constraint tail_pkey PRIMARY KEY (single);

alter table database.migration add constraint migration_pkey PRIMARY KEY (number);

alter table identity.form add constraint form_is_one_row CHECK (one);

alter table identity.form add constraint form_pkey PRIMARY KEY (one);

alter table identity.key add constraint key_pkey PRIMARY KEY (hash, seq);

alter table identity.pair add constraint pair_is_ordered CHECK ((ROW(low_origin, low_id) < ROW(high_origin, high_id)));

alter table identity.pair add constraint pair_key UNIQUE (low_origin, low_id, high_origin, high_id);

alter table identity.pair add constraint pair_pkey PRIMARY KEY (number);

alter table identity.pair add constraint pair_state_check CHECK ((state = ANY (ARRAY['open'::text, 'later'::text, 'linked'::text, 'different'::text, 'broken'::text, 'withdrawn'::text])));

alter table identity.pair add constraint pair_verdict_check CHECK ((verdict = ANY (ARRAY['sure'::text, 'unsure'::text, 'different'::text])));

alter table identity.person add constraint person_pkey PRIMARY KEY (seq);

alter table intake.latest add constraint latest_pkey PRIMARY KEY (id);

alter table intake.part add constraint part_pkey PRIMARY KEY (source, place);

alter table intake.quarantine add constraint quarantine_pkey PRIMARY KEY (number);

alter table intake.quarantine add constraint quarantine_source_ordinal_key UNIQUE (source, ordinal);

alter table intake.source add constraint source_digest_key UNIQUE (digest);

alter table intake.source add constraint source_pkey PRIMARY KEY (number);

alter table intake.source add constraint source_transaction_key UNIQUE (transaction);

alter table intake.visit add constraint visit_pkey PRIMARY KEY (source, ordinal);

alter table jobs.job add constraint job_attempts_max_check CHECK ((attempts_max > 0));

alter table jobs.job add constraint job_pkey PRIMARY KEY (id);

alter table jobs.job add constraint job_running_has_lease CHECK (((state = 'running'::text) = ((worker IS NOT NULL) AND (lease_until IS NOT NULL))));

alter table jobs.job add constraint job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'dead'::text, 'cancelled'::text])));

alter table journal.batch add constraint batch_number_key UNIQUE (number);

alter table journal.batch add constraint batch_pkey PRIMARY KEY (last_seq);

alter table journal.behalf add constraint behalf_pkey PRIMARY KEY (source, source_row);

alter table journal.change add constraint change_pkey PRIMARY KEY (seq);

alter table journal.checkpoint add constraint checkpoint_pkey PRIMARY KEY (epoch, batches);

alter table journal.cursor add constraint cursor_pkey PRIMARY KEY (name);

alter table journal.dictionary add constraint dictionary_pkey PRIMARY KEY (number);

alter table journal.dictionary add constraint dictionary_type_version_key UNIQUE (type, version);

alter table journal.erasure add constraint erasure_pkey PRIMARY KEY (seq);

alter table journal.head add constraint head_pkey PRIMARY KEY (key);

alter table journal.key add constraint key_pkey PRIMARY KEY (id);

alter table journal.organisation add constraint organisation_pkey PRIMARY KEY (number);

alter table journal.organisation add constraint organisation_reference_key UNIQUE (reference);

alter table journal.origin add constraint origin_node_key UNIQUE (node);

alter table journal.origin add constraint origin_pkey PRIMARY KEY (number);

alter table journal.standing add constraint standing_pkey PRIMARY KEY (account, organisation);

alter table journal.tail add constraint tail_is_one_row CHECK (single);

alter table journal.tail add constraint tail_pkey PRIMARY KEY (single);

alter table records.ended add constraint ended_pkey PRIMARY KEY (seq);

alter table records.entry add constraint entry_pkey PRIMARY KEY (seq);

alter table records.horizon add constraint horizon_is_one_row CHECK (one);

alter table records.horizon add constraint horizon_pkey PRIMARY KEY (one);

alter table records.linked add constraint linked_pkey PRIMARY KEY (person);

alter table records.pair add constraint pair_pkey PRIMARY KEY (linkage);

alter table records.parameter add constraint parameter_pkey PRIMARY KEY (id);

alter table records.phrase add constraint phrase_pkey PRIMARY KEY (token);

alter table records.plan add constraint plan_is_one_row CHECK (one);

alter table records.plan add constraint plan_pkey PRIMARY KEY (one);

alter table subscriptions.bounds add constraint bounds_pkey PRIMARY KEY (subscription, version, caller);

alter table subscriptions.event add constraint event_pkey PRIMARY KEY (subscription, number);

alter table subscriptions.subscription add constraint subscription_channel_check CHECK ((channel = ANY (ARRAY[''::text, 'rest-hook'::text, 'websocket'::text])));

alter table subscriptions.subscription add constraint subscription_delivered CHECK ((delivered <= events));

alter table subscriptions.subscription add constraint subscription_pkey PRIMARY KEY (id);

alter table subscriptions.subscription add constraint subscription_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'active'::text, 'error'::text, 'off'::text])));

alter table terminology.artefact add constraint artefact_pkey PRIMARY KEY (type, id);

alter table terminology.concept add constraint concept_pkey PRIMARY KEY (artefact, "position");

alter table terminology.state add constraint state_is_one_row CHECK (one);

alter table terminology.state add constraint state_pkey PRIMARY KEY (one);

alter table access.delegation add constraint delegation_client_fkey FOREIGN KEY (client) REFERENCES access.client(id);

alter table access.device add constraint device_account_fkey FOREIGN KEY (account) REFERENCES access.staff(name);

alter table access.passkey add constraint passkey_account_fkey FOREIGN KEY (account) REFERENCES access.staff(name);

alter table access.recovery add constraint recovery_account_fkey FOREIGN KEY (account) REFERENCES access.staff(name);

alter table access.review add constraint review_account_fkey FOREIGN KEY (account) REFERENCES access.staff(name);

alter table access.staff_link add constraint staff_link_account_fkey FOREIGN KEY (account) REFERENCES access.staff(name);

alter table access.token add constraint token_account_fkey FOREIGN KEY (account) REFERENCES access.account(name);

alter table audit.checkpoint add constraint checkpoint_key_fkey FOREIGN KEY (key) REFERENCES audit.key(id);

alter table intake.part add constraint part_source_fkey FOREIGN KEY (source) REFERENCES intake.source(number) ON DELETE CASCADE;

alter table journal.behalf add constraint behalf_organisation_fkey FOREIGN KEY (organisation) REFERENCES journal.organisation(number);

alter table journal.checkpoint add constraint checkpoint_key_fkey FOREIGN KEY (key) REFERENCES journal.key(id);

alter table journal.standing add constraint standing_organisation_fkey FOREIGN KEY (organisation) REFERENCES journal.organisation(number);

alter table subscriptions.event add constraint event_subscription_fkey FOREIGN KEY (subscription) REFERENCES subscriptions.subscription(id) ON DELETE CASCADE;

CREATE INDEX delegation_account ON access.delegation USING btree (account) WHERE (ended_at IS NULL);

CREATE INDEX delegation_client ON access.delegation USING btree (client) WHERE (ended_at IS NULL);

CREATE INDEX delegation_session ON access.delegation USING btree (session) WHERE ((ended_at IS NULL) AND (session <> ''::text));

CREATE INDEX lane_tried ON access.lane USING btree (tried_at);

CREATE INDEX once_end ON access.once USING btree (ends_at);

CREATE INDEX passkey_account ON access.passkey USING btree (account);

CREATE INDEX session_account ON access.session USING btree (account);

CREATE INDEX session_end ON access.session USING btree (ends_at);

CREATE INDEX staff_link_account ON access.staff_link USING btree (account);

CREATE INDEX ticket_end ON access.ticket USING btree (ends_at);

CREATE INDEX token_expiry ON access.token USING btree (expires_at);

CREATE INDEX batch_at_idx ON audit.batch USING brin (at) WITH (pages_per_range='16');

alter table audit.change alter column body set storage external;

alter table audit.change alter column leaf set storage external;

alter table audit.change alter column salt set storage external;

CREATE INDEX change_person ON ONLY audit.change USING btree (person, seq) WHERE (person <> 0);

CREATE INDEX shown_persons ON audit.shown USING gin (persons) WITH (fastupdate=off);

CREATE INDEX pair_decided ON identity.pair USING btree (decided_at) WHERE (decided_by <> ALL (ARRAY[''::text, 'identity'::text, 'link'::text]));

CREATE INDEX pair_high ON identity.pair USING btree (high_origin, high_id);

CREATE INDEX pair_organisations ON identity.pair USING gin (organisations) WHERE (state = 'open'::text);

CREATE INDEX pair_waiting ON identity.pair USING btree (number) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX person_id ON identity.person USING btree (origin, id);

alter table intake.part alter column body set storage external;

alter table intake.quarantine alter column body set storage external;

CREATE INDEX source_open ON intake.source USING btree (number) WHERE (state = ANY (ARRAY[1, 2]));

CREATE INDEX visit_findings ON intake.visit USING btree (source, ordinal) WHERE (findings IS NOT NULL);

CREATE INDEX job_due ON jobs.job USING btree (kind, priority DESC, due_at, id) WHERE (state = 'waiting'::text);

CREATE INDEX job_ended ON jobs.job USING btree (ended_at) WHERE (state = ANY (ARRAY['done'::text, 'cancelled'::text]));

CREATE INDEX job_leased ON jobs.job USING btree (lease_until) WHERE (state = 'running'::text);

CREATE UNIQUE INDEX job_waiting_once ON jobs.job USING btree (kind, key) WHERE ((state = 'waiting'::text) AND (key IS NOT NULL));

CREATE INDEX batch_at ON journal.batch USING brin (at) WITH (pages_per_range='16');

alter table journal.change alter column body set storage external;

alter table journal.change alter column leaf set storage external;

alter table journal.change alter column salt set storage external;

CREATE INDEX date_low ON records.date USING btree (parameter, low);

CREATE INDEX date_seq ON records.date USING btree (seq);

CREATE INDEX ended_ended_at ON records.ended USING btree (ended_at);

CREATE INDEX ended_reference ON records.ended USING btree (reference);

alter table records.entry alter column tokens set statistics 2000;

alter table records.entry alter column tokens set storage main;

CREATE INDEX entry_date ON records.entry USING btree (type, date_low);

CREATE INDEX entry_last_updated ON records.entry USING brin (last_updated) WITH (pages_per_range='32');

CREATE INDEX entry_organisations ON records.entry USING gin (organisations) WITH (fastupdate=off);

CREATE INDEX entry_person ON records.entry USING btree (person);

CREATE INDEX entry_quantity ON records.entry USING btree (type, quantity_high) WHERE (quantity_high IS NOT NULL);

CREATE INDEX entry_tokens ON records.entry USING gin (tokens) WITH (fastupdate='on', gin_pending_list_limit='64');

CREATE INDEX linked_circle ON records.linked USING btree (circle);

CREATE INDEX linked_reference ON records.linked USING btree (reference);

CREATE INDEX membership_member ON records.membership USING btree (member);

CREATE INDEX membership_person ON records.membership USING btree (person);

CREATE INDEX pair_other ON records.pair USING btree (other);

CREATE INDEX pair_person ON records.pair USING btree (person);

CREATE INDEX phrase_value ON records.phrase USING btree (parameter, value);

CREATE INDEX provision_person ON records.provision USING btree (person);

CREATE INDEX quantity_low ON records.quantity USING btree (parameter, low);

CREATE INDEX quantity_seq ON records.quantity USING btree (seq);

CREATE INDEX relation_holder ON records.relation USING btree (holder, person);

CREATE INDEX relation_person ON records.relation USING btree (person, holder);

CREATE INDEX text_seq ON records.text USING btree (seq);

CREATE INDEX text_trigrams ON records.text USING gin (value gin_trgm_ops);

CREATE INDEX text_value ON records.text USING btree (parameter, value);

CREATE INDEX event_at ON subscriptions.event USING btree (at);

CREATE INDEX subscription_due ON subscriptions.subscription USING btree (due_at) WHERE (status = ANY (ARRAY['requested'::text, 'active'::text]));

CREATE INDEX subscription_untold ON subscriptions.subscription USING btree (id) WHERE (status <> told_status);

CREATE INDEX artefact_url ON terminology.artefact USING btree (url);

CREATE INDEX concept_code ON terminology.concept USING btree (code, artefact);

CREATE INDEX concept_folded ON terminology.concept USING gin (folded gin_trgm_ops);

CREATE OR REPLACE FUNCTION journal.head_key(origin smallint, type smallint, id text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (encode(substr(sha256(((int2send(origin) || int2send(type)) || convert_to(id, 'UTF8'::name))), 1, 16), 'hex'::text))::uuid;

CREATE OR REPLACE FUNCTION journal.owners(seq bigint)
 RETURNS bigint[]
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT
RETURN (WITH RECURSIVE line(source, source_row, previous) AS (SELECT c.source, c.source_row, c.previous FROM journal.change c WHERE (c.seq = owners.seq) UNION ALL SELECT c.source, c.source_row, c.previous FROM (line line_1 JOIN journal.change c ON ((c.seq = line_1.previous)))) SELECT COALESCE(array_agg(DISTINCT own.organisation ORDER BY own.organisation), '{}'::bigint[]) AS "coalesce" FROM (line CROSS JOIN LATERAL (SELECT b.organisation FROM journal.behalf b WHERE ((b.source = line.source) AND (b.source_row = ANY (ARRAY[0, line.source_row]))) ORDER BY b.source_row DESC LIMIT 1) own));

CREATE OR REPLACE FUNCTION records.acting(holders bigint[], now bigint)
 RETURNS bigint[]
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT
RETURN ARRAY(WITH RECURSIVE held(number) AS (SELECT unnest(acting.holders) AS unnest UNION SELECT part.whole FROM (held held_1 JOIN records.membership part ON (((part.member = held_1.number) AND (part.begins <= acting.now) AND (part.ends > acting.now))))) SELECT held.number FROM held);

CREATE OR REPLACE FUNCTION records.circle(of_person bigint)
 RETURNS bigint[]
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT
RETURN ARRAY(SELECT circle.of_person AS of_person UNION SELECT other.person FROM (records.linked own JOIN records.linked other ON ((other.circle = own.circle))) WHERE (own.person = circle.of_person));

CREATE OR REPLACE FUNCTION records.is_asked(rule records.provision, held bigint[], purposes text[], now bigint)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((rule).begins <= now) AND ((rule).ends > now) AND (((rule).purposes = '{}'::text[]) OR ((rule).purposes && purposes)) AND (((rule).actors = '{}'::bigint[]) OR ((rule).actors && held)));

CREATE OR REPLACE FUNCTION records.is_matched(rule records.provision, type smallint, sensitivity smallint, held bigint[], purposes text[], now bigint)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (records.is_asked(rule, held, purposes, now) AND (((rule).types = '{}'::smallint[]) OR (type = ANY ((rule).types))) AND CASE WHEN ((rule).labels = 0) THEN true WHEN (NOT (rule).is_permit) THEN ((sensitivity & (rule).labels) <> 0) WHEN (sensitivity = 0) THEN (((rule).labels & (8192)::smallint) <> 0) ELSE ((sensitivity & (~ (rule).labels)) = 0) END);

CREATE OR REPLACE FUNCTION records.permits(of_person bigint, of_type smallint, label smallint, held bigint[], asked text[], at bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION records.refuses(of_person bigint, of_type smallint, label smallint, held bigint[], asked text[], at bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$;

create view records."current_date" as
 SELECT side.seq,
    side.low,
    side.high,
    side.parameter
   FROM records.date side
     JOIN records.entry USING (seq);

create view records.current_phrase as
 SELECT side.token,
    side.parameter,
    side.value
   FROM records.phrase side
     JOIN LATERAL ( SELECT 1 AS "?column?"
           FROM records.entry
          WHERE entry.tokens @> ARRAY[side.token]
         LIMIT 1) used ON true;

create view records.current_quantity as
 SELECT side.seq,
    side.low,
    side.high,
    side.parameter,
    side.units,
    side.components
   FROM records.quantity side
     JOIN records.entry USING (seq);

create view records.current_relation as
 SELECT relation.person,
    relation.holder,
    relation.begins,
    relation.ends,
    relation.seq,
    relation.kind
   FROM records.relation,
    journal.tail
  WHERE relation.ends::numeric > (EXTRACT(epoch FROM tail.at) * 1000000::numeric);

create view records.current_text as
 SELECT side.seq,
    side.parameter,
    side.value
   FROM records.text side
     JOIN records.entry USING (seq);
