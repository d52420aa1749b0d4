-- A subscription outlives the access it was asked for under: what kept data from whoever asked
-- keeps it from what is told.

-- Written before the version it is about is accepted, so that none is followed without it; of
-- a version that was not accepted in the end it says nothing.
create table subscriptions.bounds (
    subscription text not null,
    version      integer not null,
    caller       text not null,
    asker        text not null,                -- JSON, as `records.asker` has it
    constraint bounds_pkey primary key (subscription, version, caller)
);

alter table subscriptions.subscription add column asker text not null default '';
