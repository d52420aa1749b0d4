-- The journal: every accepted version of every resource, in commit order, append-only.
-- Wide fixed columns stand before narrow ones and varying ones last, so that no row
-- carries alignment padding; nothing is null, so that no row carries a null bitmap.

create schema journal;

create table journal.change (
    seq bigint not null,
    accepted_at timestamptz not null,
    person bigint not null,
    previous bigint not null,      -- seq of the version before, 0 for the first
    source bigint not null,
    version integer not null,
    source_row integer not null,
    meta_offset integer not null,
    origin smallint not null,
    type smallint not null,        -- fhir.types.TYPE_NUMBERS
    operation smallint not null,   -- 1 create, 2 update, 3 delete
    data_group smallint not null,
    codec smallint not null,       -- low byte: 0 raw, 1 zstd, from 2 a dictionary; above: body key
    id text collate "C" not null,
    salt bytea not null,           -- 16 bytes; empty once the body was erased by law
    leaf bytea not null,           -- 32 bytes
    body bytea not null,           -- compressed; empty once erased
    constraint change_pkey primary key (seq)
) partition by range (seq);

-- zstd has done its work: pglz would only burn time.
alter table journal.change alter column salt set storage external;
alter table journal.change alter column leaf set storage external;
alter table journal.change alter column body set storage external;

-- The writer attaches the partitions that follow while it holds the tail.
create table journal.change_0 partition of journal.change for values from (1) to (10000001);

-- What is current: the row that compare-and-set compares. The key is the first 16 bytes
-- of SHA-256 over (origin, type, id); spelled out, the three would double table and index.
create table journal.head (
    key uuid not null,
    seq bigint not null,
    version integer not null,
    operation smallint not null,
    constraint head_pkey primary key (key)
) with (fillfactor = 95);

create function journal.head_key(origin smallint, type smallint, id text) returns uuid
    language sql immutable strict parallel safe
    return encode(
        substr(sha256(int2send(origin) || int2send(type) || convert_to(id, 'UTF8')), 1, 16), 'hex'
    )::uuid;

-- One commit of the writer: the Merkle root of its rows, chained to the batch before.
create table journal.batch (
    last_seq bigint not null,
    first_seq bigint not null,
    number bigint not null,        -- dense, from 0: the leaf's place in the tree over batches
    at timestamptz not null,
    root bytea not null,
    chain bytea not null,
    nodes bytea not null,          -- inner nodes of the tree over batches that this batch completed
    constraint batch_pkey primary key (last_seq),
    constraint batch_number_key unique (number)
);

-- Times only grow, so a few bytes find the batches of an hour.
create index batch_at on journal.batch using brin (at) with (pages_per_range = 16);

-- The one row that whoever commits holds: position, chain and tree edge.
create table journal.tail (
    single boolean not null default true,
    last_seq bigint not null,
    batches bigint not null,
    at timestamptz not null,
    chain bytea not null,
    peaks bytea not null,          -- perfect subtrees of the tree over batches, widest first
    epoch integer not null,        -- a restore starts a new one
    partition_end bigint not null, -- the first seq that has no partition yet
    partition_rows bigint not null,
    checkpoint_batches bigint not null,
    checkpoint_at timestamptz not null,
    constraint tail_pkey primary key (single),
    constraint tail_is_one_row check (single)
) with (fillfactor = 10);

insert into journal.tail values (
    true, 0, 0, 'epoch', decode(repeat('00', 32), 'hex'), '', 1, 10000001, 10000000, 0, 'epoch'
);

create table journal.key (
    id text not null,
    public bytea not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    constraint key_pkey primary key (id)
);

-- The node's signature under everything accepted so far.
create table journal.checkpoint (
    batches bigint not null,
    last_seq bigint not null,
    at timestamptz not null,
    epoch integer not null,
    root bytea not null,           -- of the tree over batches
    chain bytea not null,
    key text not null,
    signature bytea not null,
    constraint checkpoint_pkey primary key (epoch, batches),
    constraint checkpoint_key_fkey foreign key (key) references journal.key (id)
);

-- A body removed by law leaves the hash that keeps its line verifiable.
create table journal.erasure (
    seq bigint not null,
    inner_hash bytea not null,
    constraint erasure_pkey primary key (seq)
);

create table journal.origin (
    number smallint not null,
    node text not null,
    name text not null,
    constraint origin_pkey primary key (number),
    constraint origin_node_key unique (node)
);

create table journal.dictionary (
    number smallint not null,
    type smallint not null,
    version integer not null,
    content bytea not null,
    constraint dictionary_pkey primary key (number),
    constraint dictionary_type_version_key unique (type, version)
);

create table journal.cursor (
    name text not null,
    seq bigint not null,
    epoch integer not null,
    constraint cursor_pkey primary key (name)
) with (fillfactor = 50);
