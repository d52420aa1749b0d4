"""A decision in words: each rule that was looked at, whether it applied, and why not.

The words are of rules and of the one who asks; they say nothing of any record, so they
tell the same whether something is hidden or not there.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from trucyte.shared.access.policy.rule import Forbid, Law, Permit, Rule, Words

BY_DEFAULT: Final = "deny-by-default"
LOCAL: Final = "at-this-machine"
SCOPES: Final = "scopes-of-the-token"

_NO_LAW: Final = Law("", verified=True)
REASONS: Final = MappingProxyType(
    {
        "": Words("Quy tắc này áp dụng.", "This rule applied."),
        "kind": Words("Dành cho loại tài khoản khác.", "It is for another kind of account."),
        "purpose": Words("Dành cho mục đích khác.", "It is for another purpose."),
        "role": Words("Tài khoản không giữ vai trò ấy.", "The account does not act in that role."),
        "door": Words("Dành cho lối vào khác.", "It is for another way in."),
        "assurance": Words("Cần đăng nhập chắc chắn hơn.", "It asks for a stronger login."),
        "relation": Words(
            "Tài khoản chưa gắn với người hành nghề, khoa hay cơ sở nào.",
            "The account stands for no practitioner, ward or organisation.",
        ),
        "organisation": Words(
            "Tài khoản không thuộc cơ sở nào.", "The account is of no organisation."
        ),
        "person": Words("Tài khoản không gắn với ai.", "The account stands for no person."),
        "actor": Words(
            "Không rõ tài khoản thay mặt ai để hỏi sự đồng ý.",
            "It is not known for whom the account acts, so no consent can name it.",
        ),
        "emergency": Words("Không có lần mở khẩn cấp nào.", "No emergency is open."),
        "release": Words("Đơn vị quản lý chưa mở dữ liệu.", "The managing unit released nothing."),
        "permission": Words(
            "Tài khoản không giữ quyền ấy.", "The account does not hold that permission."
        ),
        "unless": Words("Điều kiện của luật đã có.", "What the law asks for is there."),
        "another": Words("Quy tắc đứng trước đã quyết định.", "A rule before it decided."),
        "nothing": Words("Không có gì để áp dụng.", "There is nothing to apply it to."),
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was looked at."""

    rule: str
    effect: str  # "permit", "reveal", "forbid", or one of the program's own
    applied: bool
    reason: str  # a key of REASONS
    words: Words
    law: Law

    @classmethod
    def of(cls, rule: Rule, reason: str) -> Self:
        """Return the step of a rule."""
        return cls(rule.id, effect_of(rule), reason == "", reason, rule.words, rule.law)

    def told(self, language: str) -> str:
        """Return why it applied or did not, in a language."""
        return REASONS[self.reason].of(language)


@dataclass(frozen=True, slots=True)
class Explained:
    """What was decided, and by which rules."""

    is_allowed: bool
    decided: tuple[str, ...]  # ids
    steps: tuple[Step, ...]


def effect_of(rule: Rule) -> str:
    """Return what a rule does."""
    if isinstance(rule, Permit):
        return "permit"
    return "forbid" if isinstance(rule, Forbid) else "reveal"


def local_step() -> Step:
    """Return the step of someone at this machine, before accounts exist."""
    words = Words(
        "Người ngồi tại máy này, khi nút chưa có tài khoản, đọc mọi thứ trừ hồ sơ hạn chế.",
        "Whoever sits at this machine, before it has accounts, sees all but what is restricted.",
    )
    return Step(LOCAL, "permit", applied=True, reason="", words=words, law=_NO_LAW)


def denied_step() -> Step:
    """Return the step of denying by default."""
    words = Words("Điều không quy tắc nào cho thì không được.", "What no rule permits is denied.")
    return Step(BY_DEFAULT, "forbid", applied=True, reason="", words=words, law=_NO_LAW)


def scope_step(is_left: bool) -> Step:
    """Return the step of a token's scopes; they only narrow."""
    words = Words(
        "Phạm vi của mã truy cập thu hẹp những gì vai trò cho.",
        "The scopes of the token narrow what the roles give.",
    )
    effect = "narrow" if is_left else "forbid"
    return Step(SCOPES, effect, applied=True, reason="", words=words, law=_NO_LAW)
