-- Subscriptions: what is asked for, what happened, and how far each was told.
--
-- An event is one version of a resource that a subscription asks for. It is written in the
-- transaction that moves the follower's cursor, so none is lost and none is written twice;
-- its number counts the events of its subscription from 1, without gaps.

create schema subscriptions;

create table subscriptions.subscription (
    id              text primary key,          -- of the Subscription resource
    version         integer not null,          -- of the resource, last looked at
    seq             bigint not null,           -- journal line of the version that asks
    caller          text not null,             -- on whose behalf: account, purpose, organisation
    purpose         text not null,
    organisation    text not null,
    channel         text not null check (channel in ('', 'rest-hook', 'websocket')),
    status          text not null check (status in ('requested', 'active', 'error', 'off')),
    problem         text not null default '',  -- code of what went wrong last
    reason          text not null default '',  -- the same in words
    told_status     text not null,             -- as the resource says it
    events          bigint not null default 0, -- number of the last event
    delivered       bigint not null default 0, -- number of the last event that was taken
    failures        integer not null default 0,
    due_at          timestamptz not null,
    heartbeat_seconds integer,
    ends_at         timestamptz,
    tried_at        timestamptz,
    delivered_at    timestamptz,
    constraint subscription_delivered check (delivered <= events)
);

create index subscription_due on subscriptions.subscription (due_at)
    where status in ('requested', 'active');
create index subscription_untold on subscriptions.subscription (id)
    where status <> told_status;

create table subscriptions.event (
    subscription text not null,
    number       bigint not null,
    seq          bigint not null,              -- journal line of the version
    type         smallint not null,
    resource     text not null,
    version      integer not null,
    operation    smallint not null,            -- as the journal's
    at           timestamptz not null,
    constraint event_pkey primary key (subscription, number),
    constraint event_subscription_fkey
        foreign key (subscription) references subscriptions.subscription (id) on delete cascade
);

create index event_at on subscriptions.event (at);
