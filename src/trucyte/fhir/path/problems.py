"""What can go wrong with an expression, by the phase in which it shows."""

from trucyte.base.problem import Kind, Problem


class PathProblem(Problem):
    """The FHIRPath expression cannot be used."""

    code = "path"


class PathSyntax(PathProblem):
    """The FHIRPath expression is malformed at character {at}: {reason}."""

    code = "path-syntax"


class PathMeaning(PathProblem):
    """The FHIRPath expression has no meaning at character {at}: {reason}."""

    code = "path-meaning"


class PathEvaluation(PathProblem):
    """The FHIRPath expression cannot be evaluated on this input: {reason}."""

    code = "path-evaluation"


class PathPattern(PathProblem):
    """The regular expression is refused: {reason}."""

    code = "path-pattern"


class PathTooCostly(PathProblem):
    """The FHIRPath evaluation was stopped: {reason}."""

    kind = Kind.TOO_LARGE
    code = "path-too-costly"
