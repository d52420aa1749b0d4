"""Write `docs/reference/generated/access-rules.md` from the rules of access.

python tools/access_rules.py
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from trucyte.records.access import Grant, Labels
from trucyte.shared.access.policy import RuleBook, load_book
from trucyte.shared.access.policy.book import packaged_files
from trucyte.shared.access.policy.frame import Frame
from trucyte.shared.access.policy.reading import vocabulary_of
from trucyte.shared.access.policy.rule import Consenting, Forbid, Permit, Reveal, Rule, Who
from trucyte.shared.access.policy.vocabulary import KINDS, PERMISSIONS, PURPOSES, ROLES

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "generated" / "access-rules.md"
HEAD = """# Quy tắc truy cập · Rules of access

Written by `tools/access_rules.py` from `shared/access/policy/rules/*.toml`. Nothing is allowed that
no permit gives. A forbid takes away, and no rule gives back. A rule whose article was not read in
full says *chưa kiểm chứng · unverified*. `trucyte access why --role …` answers for one role.
"""
LETTERS = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}
CONSENT = {
    Consenting.UNASKED: "không hỏi · not asked",
    Consenting.UNDENIED: "trừ phần bị từ chối · all but what is denied",
    Consenting.PERMITTED: "chỉ phần được đồng ý · only what is permitted",
}


def main() -> None:
    """Write the page."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page as it should be."""
    book = load_book()
    groups = vocabulary_of(packaged_files()).groups
    lines = [HEAD, *_matrix(book), "## Cho phép · Permits", ""]
    for permit in book.permits:
        lines += [*_rule(permit), *_conditions(permit), *_grants(permit.grants, groups), ""]
    lines += ["## Nhãn · Labels", ""]
    for reveal in book.reveals:
        lines += [*_rule(reveal), *_revealed(reveal), ""]
    lines += ["## Cấm · Forbids", ""]
    for forbid in book.forbids:
        lines += [*_rule(forbid), *_forbidden(forbid, groups), ""]
    lines += ["## Khuôn khổ · Frames", "", *_frames(book.frames), ""]
    lines += ["## Nhóm tài nguyên · Groups of resources", ""]
    lines += [f"- **{name}**: {', '.join(sorted(types))}" for name, types in groups.items()]
    return "\n".join(lines).rstrip() + "\n"


def _matrix(book: RuleBook) -> Iterator[str]:
    """Yield a table of roles and purposes."""
    used = [name for name in PURPOSES if any(name in p.who.purposes for p in book.permits)]
    yield "| | " + " | ".join(used) + " |"
    yield "|---" * (len(used) + 1) + "|"
    for role, words in ROLES.items():
        cells = [_cell(book.permits, role, purpose) for purpose in used]
        if any(cells):
            yield f"| {words.vi} · {words.en} | " + " | ".join(cells) + " |"
    yield ""


def _cell(permits: Sequence[Permit], role: str, purpose: str) -> str:
    found = [
        permit.id
        for permit in permits
        if purpose in permit.who.purposes and role in (permit.who.roles or permit.who.kinds)
    ]
    return ", ".join(f"[{id}](#{id})" for id in found)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    yield rule.words.vi
    yield f"*{rule.words.en}*"
    yield ""
    unverified = "" if rule.law.verified else " (*chưa kiểm chứng · unverified*)"
    yield f"- Căn cứ · Basis: {rule.law.text}{unverified}"
    yield from _who(rule.who)


def _who(who: Who) -> Iterator[str]:
    if who.kinds and who.kinds != frozenset(KINDS):
        yield f"- Loại tài khoản · Kind: {_joined(who.kinds)}"
    if who.roles:
        roles = [f"{ROLES[role].vi} ({role})" for role in sorted(who.roles)]
        yield f"- Vai trò · Roles: {', '.join(roles)}"
    if who.purposes:
        purposes = [f"{PURPOSES[name].vi} ({name})" for name in sorted(who.purposes)]
        yield f"- Mục đích · Purposes: {', '.join(purposes)}"
    if who.doors:
        yield f"- Lối vào · Doors: {_joined(who.doors)}"
    if who.assurance > 1:
        yield f"- Đăng nhập từ mức · Assurance from: {who.assurance}"


def _conditions(permit: Permit) -> Iterator[str]:
    yield f"- Của cơ sở · Organisations: {permit.organisations.value}"
    yield f"- Của ai · Persons: {permit.persons.value}"
    if permit.relation:
        yield f"- Quan hệ · Relation by: {_joined(permit.relation)}"
    yield f"- Đồng ý · Consent: {CONSENT[permit.consenting]}"
    if permit.needs:
        yield f"- Cần có · Needs: {_joined(permit.needs)}"
    if permit.labels:
        yield f"- Nhãn thấy được · Labels seen: {_labels(permit.labels)}"


def _revealed(reveal: Reveal) -> Iterator[str]:
    words = PERMISSIONS[reveal.permission]
    yield f"- Quyền riêng · Permission: {words.vi} ({reveal.permission})"
    yield f"- Nhãn thấy được · Labels seen: {_labels(reveal.labels)}"


def _forbidden(forbid: Forbid, groups: dict[str, frozenset[str]]) -> Iterator[str]:
    if forbid.unless:
        yield f"- Trừ khi có · Unless there is: {_joined(forbid.unless)}"
    if forbid.takes_all:
        yield "- Cấm tất cả · Takes everything"
    if forbid.labels:
        yield f"- Cấm nhãn · Takes labels: {_labels(forbid.labels)}"
    if forbid.types:
        letters = _letters(forbid.letters)
        yield f"- Cấm · Takes: {letters} — {_types(forbid.types, groups)}"


def _grants(grants: Iterable[Grant], groups: dict[str, frozenset[str]]) -> Iterator[str]:
    for grant in grants:
        types = "mọi loại · every type" if grant.types is None else _types(grant.types, groups)
        narrowed = "".join(f"; `{name}` trong danh sách · in a list" for name, _ in grant.query)
        yield f"- Được · May: {_letters(grant.letters)} — {types}{narrowed}"


def _frames(frames: Sequence[Frame]) -> Iterator[str]:
    yield "Quy tắc riêng của cơ sở nằm trong một khuôn khổ. An operator's permit lies within one."
    yield ""
    for frame in frames:
        yield f"- **{frame.id}**: {frame.words.vi} *{frame.words.en}*"


def _types(types: frozenset[str], groups: dict[str, frozenset[str]]) -> str:
    """Return types by their groups where whole groups are among them, the rest by name."""
    whole = [name for name, members in groups.items() if members <= types]
    # A group inside another that is named already says nothing more.
    named = [
        name
        for name in whole
        if not any(name != other and groups[name] < groups[other] for other in whole)
    ]
    rest = types - frozenset().union(*(groups[name] for name in named))
    return ", ".join([*(f"*{name}*" for name in named), *sorted(rest)])


def _letters(letters: frozenset[str]) -> str:
    return ", ".join(word for letter, word in LETTERS.items() if letter in letters)


def _labels(labels: Labels) -> str:
    return ", ".join(str(label.name) for label in Labels if label and label in labels)


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


if __name__ == "__main__":
    main()
