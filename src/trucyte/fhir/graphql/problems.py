"""Why a query in GraphQL is not answered, or a part of it is not."""

from trucyte.base.problem import Kind, Problem


class QueryRefused(Problem):
    """The GraphQL query cannot be answered: {reason}."""

    code = "graphql-query"

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(reason=reason)
        self.line = line
        self.column = column


class QueryTooCostly(Problem):
    """The GraphQL query asks for too much: {what} above {most}."""

    kind = Kind.TOO_LARGE
    code = "graphql-costly"
