"""The node's health in signs and bars, from its status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trucyte.base.clock import VIETNAM
from trucyte.web import formats
from trucyte.web.charts import Bar
from trucyte.web.language import marked
from trucyte.web.services import NodeStatus, Rate

CHECKPOINT_AGE_MAX = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing about the node: whether it is well, and in which words."""

    tone: str
    drawing: str
    word: str  # to be translated


def signs_of(status: NodeStatus, now: datetime) -> list[Sign]:
    """Return what to say about the node, troubles first."""
    signs = [_database(status), _disk(status), _checkpoint(status, now), *_reviews(status)]
    order = {"red": 0, "amber": 1, "plain": 2, "green": 3}
    return sorted(signs, key=lambda sign: order[sign.tone])


def is_well(signs: Sequence[Sign]) -> bool:
    """Say whether nothing needs a hand."""
    return all(sign.tone in ("green", "plain") for sign in signs)


def rate_bars(rates: Sequence[Rate], language: str, now: datetime) -> list[Bar]:
    """Return the hours as bars, labelled with their Vietnamese hour."""
    return [
        Bar(
            label=f"{rate.at.astimezone(VIETNAM):%H}h",
            value=rate.versions,
            words=formats.number(rate.versions, language),
            is_now=rate.at <= now < rate.at + timedelta(hours=1),
        )
        for rate in rates
    ]


def _database(status: NodeStatus) -> Sign:
    if status.database_version is None:
        return Sign("red", "stop", marked("Cơ sở dữ liệu chưa trả lời"))
    return Sign("green", "good", marked("Cơ sở dữ liệu chạy tốt"))


def _disk(status: NodeStatus) -> Sign:
    if status.disk_is_low:
        return Sign("amber", "alert", marked("Ổ đĩa còn ít chỗ"))
    return Sign("green", "good", marked("Ổ đĩa còn đủ chỗ"))


def _reviews(status: NodeStatus) -> list[Sign]:
    if not status.reviews_overdue:
        return []
    return [Sign("amber", "alert", marked("Có tài khoản quá hạn rà soát quyền"))]


def _checkpoint(status: NodeStatus, now: datetime) -> Sign:
    checkpoint = status.checkpoint
    if checkpoint is None:
        return Sign("plain", "clock", marked("Chưa có điểm niêm phong nào"))
    if checkpoint.is_valid is False:
        return Sign("red", "stop", marked("Chữ ký của điểm niêm phong cuối không đúng"))
    is_behind = status.position is not None and status.position > checkpoint.position
    if is_behind and now - checkpoint.signed_at > CHECKPOINT_AGE_MAX:
        return Sign("amber", "alert", marked("Điểm niêm phong cuối đã hơn một ngày"))
    if checkpoint.is_valid is None:
        return Sign("plain", "clock", marked("Điểm niêm phong cuối chưa được kiểm tra"))
    return Sign("green", "seal", marked("Điểm niêm phong cuối có chữ ký đúng"))
