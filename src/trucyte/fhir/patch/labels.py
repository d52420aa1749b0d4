"""Add or take away profiles, security labels and tags of a resource (R4 $meta-add). Pure.

Two labels are the same when system and code are, whatever they are called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LABELS: Final = ("profile", "security", "tag")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LabelPatch:
    """Changes the labels of `meta`, and nothing else."""

    labels: Json  # a Meta: of it profile, security and tag count
    is_removal: bool = False

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the resource with its labels changed; those it has stay as they are."""
        meta = dict(resource.get("meta") or {})
        for name in LABELS:
            changed = self._changed(meta.get(name, ()), self.labels.get(name, ()))
            meta.pop(name, None)
            if changed:
                meta[name] = changed
        changed_resource = {key: value for key, value in resource.items() if key != "meta"}
        if not meta:
            return changed_resource
        ahead = {key: resource[key] for key in ("resourceType", "id") if key in resource}
        return {**ahead, "meta": meta, **changed_resource}

    def _changed(self, held: Sequence[Any], named: Sequence[Any]) -> list[Any]:
        keys = {_key(one) for one in named}
        if self.is_removal:
            return [one for one in held if _key(one) not in keys]
        known = {_key(one) for one in held}
        added: dict[tuple[str, str], Any] = {}
        for one in named:
            if _key(one) not in known:
                added.setdefault(_key(one), one)
        return [*held, *added.values()]


def _key(label: Any) -> tuple[str, str]:
    if isinstance(label, dict):
        return str(label.get("system", "")), str(label.get("code", ""))
    return "", str(label)
