"""Errors that become answers."""


class QueryError(Exception):
    """A query the store refuses: answered 400 with its message, never with a wrong result."""


class QueryTimeout(Exception):
    """A query ran into its time limit: answered 504."""


def at(line: int, column: int, reason: str) -> str:
    """`reason` with its position, in the words both languages use."""
    return f"parse error at line {line}, col {column}: {reason}"
