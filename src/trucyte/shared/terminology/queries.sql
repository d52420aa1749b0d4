-- lock
-- One follower at a time lays out; the others wait and then find nothing left to do.
select pg_advisory_xact_lock(hashtext('terminology'))

-- raise_generation
update terminology.state set generation = generation + 1

-- generation
select generation from terminology.state

-- drop_artefact
delete from terminology.artefact where type = %(type)s and id = %(id)s

-- drop_concepts
delete from terminology.concept where artefact = %(id)s

-- add_artefact
insert into terminology.artefact
    (seq, version, concepts, valid_from, valid_to, type, id, url, edition, title, status,
     content, list, keeper)
values
    (%(seq)s, %(version)s, %(concepts)s, %(valid_from)s, %(valid_to)s, %(type)s, %(id)s, %(url)s,
     %(edition)s, %(title)s, %(status)s, %(content)s, %(list)s, %(keeper)s)

-- copy_concepts
copy terminology.concept
    (artefact, position, code, display, folded, valid_from, valid_to, verified, parents, detail)
from stdin

-- clear_artefacts
delete from terminology.artefact

-- clear_concepts
delete from terminology.concept

-- artefacts
select type, id, seq, version, url, edition, title, status, content, list, keeper, concepts,
       valid_from, valid_to
from terminology.artefact order by type, url, id

-- concepts_of
select code, display, parents, valid_from, valid_to, verified, detail, folded
from terminology.concept where artefact = %(id)s order by position

-- search
-- Short words have no trigrams; the few rows of one artefact bear a scan.
select artefact, code, display, valid_from, valid_to, verified
from terminology.concept
where artefact = any(%(artefacts)s) and folded like all(%(patterns)s)
order by not (lower(display) like all(%(precise)s)), length(display), artefact, position
limit %(count)s

-- operator_lists
-- Oldest first: the last term of a code is its newest.
select list, id, valid_from, valid_to
from terminology.artefact
where keeper = %(keeper)s and list <> '' and status = 'active' and concepts > 0
  and content in ('complete', 'not-present')
order by list, valid_from nulls first, seq
