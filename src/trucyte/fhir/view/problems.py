"""What can be wrong with a view, or with a resource that a view reads."""

from trucyte.base.problem import Problem


class ViewMalformed(Problem):
    """The view cannot be used at {at}: {reason}."""

    code = "view-malformed"


class ViewPathRefused(Problem):
    """The FHIRPath expression of the view at {at} cannot be used: {reason}."""

    code = "view-path"


class ViewRowRefused(Problem):
    """The resource does not fit the view at {at}: {reason}."""

    code = "view-row"


class NotInSql(Exception):  # noqa: N818 - no failure: the closures do it instead
    """A part of a view that bulk SQL does not do exactly."""
