"""What can go wrong when codes are asked for or loaded."""

from trucyte.base.problem import Kind, Problem


class CodeSystemUnknown(Problem):
    """This node has no concepts of the code system {system}."""

    kind = Kind.NOT_FOUND
    code = "code-system-unknown"


class ValueSetUnknown(Problem):
    """This node does not have the value set {url}."""

    kind = Kind.NOT_FOUND
    code = "value-set-unknown"


class ConceptMapUnknown(Problem):
    """This node does not have the concept map {url}."""

    kind = Kind.NOT_FOUND
    code = "concept-map-unknown"


class CodeUnknown(Problem):
    """The code is not in the code system {system}."""

    kind = Kind.NOT_FOUND
    code = "code-unknown"


class FilterUnsupported(Problem):
    """The value set filters by {property} {op}, which cannot be answered here."""

    kind = Kind.UNSUPPORTED
    code = "value-set-filter"


class PatternRefused(Problem):
    """The regular expression of a value set is refused: {reason}."""

    code = "value-set-pattern"


class ValueSetCircular(Problem):
    """The value set {url} includes itself, or includes others too deeply."""

    code = "value-set-circular"


class ExpansionTooCostly(Problem):
    """The value set has more than {most} codes; narrow it by a filter or ask for pages."""

    kind = Kind.TOO_LARGE
    code = "expansion-too-costly"


class PagingRefused(Problem):
    """This part of an expansion cannot be given: {reason}."""

    code = "expansion-paging"


class ListFileUnreadable(Problem):
    """The file cannot be read as a list: {reason}."""

    code = "list-file-unreadable"


class ListFileTooLarge(Problem):
    """The file is larger than this node reads: {what} above {most}."""

    kind = Kind.TOO_LARGE
    code = "list-file-too-large"


class ListRowsFaulty(Problem):
    """{faults} of {rows} rows cannot be taken, so none was; mend them and load again."""

    code = "list-rows-faulty"


class ListInvalid(Problem):
    """The list does not make a valid resource: {issue} at {path}."""

    code = "list-invalid"
