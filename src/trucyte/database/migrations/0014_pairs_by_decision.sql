-- Pairs by when a person decided: how far the day has come, and what was decided last.
create index pair_decided on identity.pair (decided_at)
    where decided_by not in ('', 'identity', 'link');
