"""Rules of an operator's own: how far they go, and that a broken file stops everything."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from trucyte.records.access import Labels
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.policy import AccessDenied, Decider, RulesRefused, load_book
from trucyte.shared.access.policy import decider as decider_module
from trucyte.shared.access.policy.book import make_book, packaged_files
from trucyte.shared.access.policy.reading import SIZE_MAX, open_file
from trucyte.shared.access.policy.rule import Forbid
from trucyte.shared.access.subject import LOCAL, Subject

PACKAGED = packaged_files()
DOCTOR = Subject(
    "bs01", "staff", frozenset({"doctor"}), "Organization/own", (), "Practitioner/own", assurance=2
)
LAW = 'law = "quy chế bệnh viện"\nverified = true\nvi = "Một câu."\nen = "A sentence."\n'
WIDE = f"""
[[permit]]
id = "doctors-of-the-house"
kinds = ["staff"]
roles = ["doctor"]
purposes = ["TREAT"]
relation = ["practitioner", "ward", "organisation"]
consent = "undenied"
{LAW}
[[permit.grant]]
groups = ["person", "clinical"]
letters = "crus"
"""


def book_with(text: str, name: str = "own.toml"):
    return make_book(PACKAGED, [open_file(name, text)])


def access_with(text: str, subject: Subject = DOCTOR, purpose: str = "TREAT", door: str = "pages"):
    return Decider(book_with(text)).access(subject, purpose, Unshown(), door=door)


def test_a_facility_may_let_doctors_see_whom_the_house_treats() -> None:
    access = access_with(WIDE)
    assert access.related is not None
    assert access.related.holders == ("Practitioner/own", "Organization/own")
    assert access.why[0] == "doctors-of-the-house"


# What a permit of an operator may not be: (what is changed, into what, what is named).
OUTSIDE = (
    ('relation = ["practitioner", "ward", "organisation"]', "", "relation"),
    ('consent = "undenied"', 'consent = "unasked"', "consent"),
    ('consent = "undenied"', 'consent = "undenied"\norganisations = "all"', "organisations"),
    ('consent = "undenied"', 'consent = "undenied"\nlabels = ["HIV"]', "labels"),
    ('consent = "undenied"', 'consent = "undenied"\npersons = "own"', "persons"),
    ('letters = "crus"', 'letters = "cruds"', "grant"),
    ('groups = ["person", "clinical"]', 'groups = ["claims"]', "grant"),
    ('groups = ["person", "clinical"]', "every_type = true", "grant"),
    ('purposes = ["TREAT"]', 'purposes = ["TREAT", "HRESCH"]', "purposes"),
    ('roles = ["doctor"]', 'roles = ["doctor", "registrar"]', "roles"),
    ('roles = ["doctor"]', "", "roles"),
    ('kinds = ["staff"]', 'kinds = ["staff", "system"]', "kinds"),
    ('kinds = ["staff"]', 'kinds = ["citizen"]', "kinds"),
)


@pytest.mark.parametrize(("told", "instead", "named"), OUTSIDE)
def test_a_permit_outside_every_frame_is_refused(told: str, instead: str, named: str) -> None:
    assert told in WIDE
    with pytest.raises(RulesRefused) as refused:
        book_with(WIDE.replace(told, instead, 1))
    assert named in str(refused.value.facts["reason"])
    assert "own.toml" in str(refused.value.facts["place"])


def test_a_reveal_goes_as_far_as_a_frame_and_never_to_secrets() -> None:
    reveal = f"""
[[reveal]]
id = "tb-to-surveillance"
permission = "tb_care"
roles = ["epidemiologist"]
purposes = ["PUBHLTH"]
labels = ["TB"]
{LAW}"""
    subject = Subject("dt01", "staff", frozenset({"epidemiologist", "tb_care"}), "Organization/own")
    assert access_with(reveal, subject, "PUBHLTH").labels == Labels.TB
    for label in ("HIV", "SECRET"):
        with pytest.raises(RulesRefused):
            book_with(reveal.replace('"TB"', f'"{label}"'))


def test_a_forbid_of_an_operator_takes_and_its_own_permits_are_bound_by_the_law() -> None:
    forbid = f"""
[[forbid]]
id = "no-notes-by-app"
doors = ["fhir"]
types = ["DocumentReference"]
{LAW}"""
    assert access_with(forbid).may("r", "DocumentReference")
    assert not access_with(forbid, door="fhir").may("r", "DocumentReference")
    assert access_with(forbid, door="fhir").may("r", "Condition")


def test_a_forbid_binds_the_roles_that_one_has_and_not_those_of_the_permit() -> None:
    shared = WIDE.replace('roles = ["doctor"]', 'roles = ["doctor", "nurse"]')
    forbid = f"""
[[forbid]]
id = "no-conditions-for-nurses"
roles = ["nurse"]
types = ["Condition"]
{LAW}"""
    nurse = replace(DOCTOR, roles=frozenset({"nurse"}))
    assert access_with(shared + forbid).may("r", "Condition")
    assert not access_with(shared + forbid, nurse).may("r", "Condition")


def test_what_an_operator_switches_off_is_off_and_forbids_stay() -> None:
    book = book_with('off = ["doctor-own-patients", "hiv-to-hiv-care"]')
    assert book.off == {"doctor-own-patients", "hiv-to-hiv-care"}
    with pytest.raises(AccessDenied):
        Decider(book).access(DOCTOR, "TREAT", Unshown(), door="pages")
    for forbid in (rule.id for rule in book.forbids):
        with pytest.raises(RulesRefused):
            book_with(f'off = ["{forbid}"]')
    for nonsense in ('off = ["no-such-rule"]', "off = 3", "off = [3]"):
        with pytest.raises(RulesRefused):
            book_with(nonsense)


def _altered(id: str, **changes: object):
    """Return the shipped book with one rule changed, as if the program itself were wrong."""
    book = make_book(PACKAGED)
    permits = tuple(replace(p, **changes) if p.id == id else p for p in book.permits)
    return Decider(replace(book, permits=permits), release_of=lambda subject, purpose: None)


RESEARCHER = Subject("nc01", "staff", frozenset({"researcher"}), "Organization/own")


def test_no_permit_opens_research_that_lacks_a_key() -> None:
    for changes, rule in (
        ({"needs": frozenset()}, "research-needs-both-keys"),
        ({"needs": frozenset(), "consenting": "undenied"}, "research-needs-both-keys"),
    ):
        with pytest.raises(AccessDenied) as denied:
            _altered("researcher-released", **changes).access(
                RESEARCHER, "HRESCH", Unshown(), door="pages"
            )
        assert denied.value.rule == rule


def test_each_forbid_of_the_law_binds_a_permit_that_would_give_too_much() -> None:
    """What stands behind permits that give nothing there is shown with permits that would."""
    book = make_book(PACKAGED)
    doctor = next(p for p in book.permits if p.id == "doctor-own-patients")
    wide = (
        ("office-nothing-clinical", "registrar", "PATADMIN"),
        ("no-marketing", "doctor", "HMARKT"),
        ("nothing-is-erased", "doctor", "TREAT"),
    )
    for rule, role, purpose in wide:
        who = replace(doctor.who, roles=frozenset({role}), purposes=frozenset({purpose}))
        grants = tuple(replace(g, letters=frozenset("cruds")) for g in doctor.grants)
        permit = replace(doctor, id="wide", who=who, grants=grants)
        decider = Decider(replace(book, permits=(permit,)))
        subject = replace(DOCTOR, roles=frozenset({role}))
        told = decider.explained(subject, purpose, door="pages")
        assert rule in told.decided
        if told.is_allowed:
            access = decider.access(subject, purpose, Unshown(), door="pages")
            assert not access.may("d", "Condition")


def test_a_secret_is_taken_even_from_a_reveal_without_doors() -> None:
    book = make_book(PACKAGED)
    reveals = tuple(replace(r, who=replace(r.who, doors=frozenset())) for r in book.reveals)
    decider = Decider(replace(book, reveals=reveals))
    subject = replace(DOCTOR, roles=frozenset({"doctor", "state_secret"}))
    assert decider.access(subject, "TREAT", Unshown(), door="pages").sees_secret
    access = decider.access(subject, "TREAT", Unshown(), door="export")
    assert not access.sees_secret
    assert "secret-leaves-no-node" in access.why


# Files that are wrong in every way: (text, what the refusal names).
BROKEN: Mapping[str, str] = {
    "permit = 3": "permit",
    "[[permit]]": "is missing",
    "[[permit": "no TOML",
    "[frame]\nid = 3": "only the program",
    '[groups]\nmine = ["Patient"]': "only the program",
    "[[nonsense]]": "unknown tables",
    "[permit]\nid = 3": "not a list",
    "permit = [3]": "not a table",
    WIDE.replace('letters = "crus"', 'letters = "xyz"'): "letters",
    WIDE.replace('letters = "crus"', 'letters = ""'): "letters",
    WIDE.replace('letters = "crus"', ""): "letters is missing",
    WIDE.replace('letters = "crus"', 'letters = "r"\nquery = [["code"]]'): "pairs",
    WIDE.replace('letters = "crus"', 'letters = "r"\nquery = [["code", "@none"]]'): "no list",
    WIDE.replace('letters = "crus"', 'letters = "r"\nextra = 1'): "unknown keys",
    WIDE.replace('groups = ["person", "clinical"]', 'groups = ["person", "nothing"]'): "unknown",
    WIDE.replace('groups = ["person", "clinical"]', 'types = ["Pateint"]'): "unknown",
    WIDE.replace('groups = ["person", "clinical"]', ""): "every_type",
    WIDE.replace('groups = ["person", "clinical"]', 'groups = "person"'): "not a list",
    WIDE.replace('groups = ["person", "clinical"]', 'groups = ["person", "person"]'): "twice",
    WIDE.replace('roles = ["doctor"]', 'roles = ["wizard"]'): "wizard",
    WIDE.replace('roles = ["doctor"]', 'rolls = ["doctor"]'): "rolls",
    WIDE.replace('purposes = ["TREAT"]', 'purposes = ["PARTY"]'): "PARTY",
    WIDE.replace('purposes = ["TREAT"]', ""): "purposes",
    WIDE.replace('kinds = ["staff"]', ""): "kinds",
    WIDE.replace('kinds = ["staff"]', 'kinds = ["local"]'): "local",
    WIDE.replace('consent = "undenied"', 'consent = "maybe"'): "consent",
    WIDE.replace('consent = "undenied"', "consent = 3"): "consent",
    WIDE.replace('consent = "undenied"', "assurance = 9"): "assurance",
    WIDE.replace('consent = "undenied"', "assurance = true"): "assurance",
    WIDE.replace('consent = "undenied"', 'persons = "emergency"'): "emergency",
    WIDE.replace('consent = "undenied"', 'labels = ["SECRET"]'): "secrets",
    WIDE.replace('consent = "undenied"', 'labels = ["GOSSIP"]'): "GOSSIP",
    WIDE.replace("verified = true", 'verified = "yes"'): "verified",
    WIDE.replace("verified = true", ""): "verified",
    WIDE.replace('en = "A sentence."', ""): "en is missing",
    WIDE.replace('vi = "Một câu."', 'vi = ""'): "vi",
    WIDE.replace('vi = "Một câu."', f'vi = "{"x" * 700}"'): "longer",
    WIDE.replace("doctors-of-the-house", "Doctors of the house"): "id",
    WIDE.replace("doctors-of-the-house", "nurse-own-ward"): "there already",
    WIDE + WIDE: "there already",
    WIDE.partition("[[permit.grant]]")[0]: "at least one grant",
    WIDE.partition("[[permit.grant]]")[0] + "grant = 3": "not a list of tables",
    f'[[forbid]]\nid = "nothing"\n{LAW}': "takes one",
    f'[[forbid]]\nid = "much"\neverything = true\ntypes = ["Patient"]\n{LAW}': "takes one",
    f'[[forbid]]\nid = "odd"\ntypes = ["Patient"]\nletters = "q"\n{LAW}': "letters",
    f'[[forbid]]\nid = "odd"\neverything = 1\n{LAW}': "true nor false",
    f'[[reveal]]\nid = "r"\npermission = "magic"\n{LAW}': "permission",
    f'[[reveal]]\nid = "r"\npermission = "hiv_care"\n{LAW}': "names roles",
    '[[codes]]\nid = "c"\nsystem = "s"\nlaw = "l"\nverified = true\nstems = [3]': "stems",
    '[[codes]]\nid = "notifiable"\nsystem = "s"': "there already",
    "#" * (SIZE_MAX + 1): "more than",
    "a = " + "[" * 100_000: "no TOML",
}


@pytest.mark.parametrize(("text", "named"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_file_is_refused_with_its_place(text: str, named: str) -> None:
    with pytest.raises(RulesRefused) as refused:
        book_with(text)
    assert str(refused.value.facts["place"]).startswith("own.toml")
    assert named in str(refused.value.facts["reason"])


def test_a_node_takes_rules_d_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    plain = load_book(tmp_path)
    assert plain == load_book()
    folder = tmp_path / "rules.d"
    folder.mkdir()
    (folder / "10-house.toml").write_text(WIDE, encoding="utf-8")
    (folder / "notes.txt").write_text("no rules", encoding="utf-8")
    with_house = load_book(tmp_path)
    assert with_house.digest != plain.digest
    assert with_house.find("doctors-of-the-house") is with_house.permits[0]
    assert load_book(tmp_path).digest == with_house.digest
    (folder / "20-bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesRefused):
        load_book(tmp_path)
    (folder / "20-bad.toml").unlink()
    for number in range(101):
        (folder / f"x{number}.toml").write_text("", encoding="utf-8")
    with pytest.raises(RulesRefused):
        load_book(tmp_path)


def test_rules_d_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.d").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(RulesRefused):
        load_book(tmp_path)


def test_groups_that_leave_a_type_out_stop_the_node() -> None:
    small = open_file("groups.toml", '[groups]\nx = ["Patient"]')
    files = [small if file.name == small.name else file for file in PACKAGED]
    with pytest.raises(RulesRefused) as refused:
        make_book(files)
    assert "in no group" in str(refused.value.facts["reason"])


def test_every_shipped_rule_has_a_law_and_says_whether_that_was_verified() -> None:
    book = make_book(PACKAGED)
    for rule in book.rules:
        assert rule.law.text and rule.words.vi and rule.words.en
        if "theo trí nhớ" in rule.law.text or "suy luận" in rule.law.text:
            assert not rule.law.verified, rule.id
    assert {"no-marketing", "nothing-is-erased"} <= {f.id for f in book.forbids}
    assert all(isinstance(forbid, Forbid) for forbid in book.forbids)


def test_the_local_subject_keeps_what_it_had() -> None:
    access = Decider(make_book(PACKAGED)).access(LOCAL, "HRESCH", Unshown(), door="fhir")
    assert (access.caller, access.purpose, access.grants) == ("fhir", "TREAT", None)
    assert not access.sees_restricted and access.sees_organisations is None


def test_a_ward_alone_may_be_the_relation_and_a_code_the_bound() -> None:
    relation = 'relation = ["practitioner", "ward", "organisation"]'
    narrow = WIDE.replace(relation, 'relation = ["ward"]').replace(
        'letters = "crus"', 'letters = "rs"\nquery = [["category", "vital-signs"]]'
    )
    subject = replace(DOCTOR, wards=("Location/w",))
    access = access_with('off = ["doctor-own-patients"]\n' + narrow, subject)
    assert access.related is not None and access.related.holders == ("Location/w",)
    by_house = access_with(WIDE.replace(relation, 'relation = ["organisation"]'), subject)
    assert by_house.related is not None and by_house.related.holders == ("Organization/own",)
    assert access.grants is not None and access.grants[0].query == (("category", "vital-signs"),)


def test_who_is_left_with_nothing_is_told_by_which_forbid() -> None:
    forbid = f"""
[[forbid]]
id = "only-by-appointment"
roles = ["doctor"]
purposes = ["TREAT"]
types = ["Basic"]
all_but = true
{LAW}"""
    with pytest.raises(AccessDenied) as denied:
        access_with(forbid)
    assert denied.value.rule == "only-by-appointment"


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ('letters = "crus"', 'letters = "crusx"'),
        ('labels = ["TB"]', 'labels = ["SECRET"]'),
        ("every_type = true", ""),
    ],
)
def test_a_frame_that_is_wrong_stops_the_node(told: str, instead: str) -> None:
    text = files("trucyte.shared.access.policy").joinpath("rules/frames.toml").read_text("utf-8")
    assert told in text
    broken = open_file("frames.toml", text.replace(told, instead, 1))
    with pytest.raises(RulesRefused):
        make_book([broken if file.name == broken.name else file for file in PACKAGED])


def test_more_tokens_than_are_kept_are_decided_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decider_module, "_KEPT_MAX", 2)
    decider = Decider(make_book(PACKAGED))
    for type in ("Patient", "Condition", "Observation", "Patient"):
        subject = replace(DOCTOR, scopes=(f"user/{type}.rs",))
        access = decider.access(subject, "TREAT", Unshown(), door="fhir")
        assert access.may("r", type) and not access.may("c", type)
