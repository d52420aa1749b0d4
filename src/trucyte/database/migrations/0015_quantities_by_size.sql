-- Quantities of one type lie together by their size, as dates do: a search for the large ones
-- of a frequent unit read the index row of every resource with that unit.
create index entry_quantity on records.entry (type, quantity_high) where quantity_high is not null;
