"""How large a query may be: lark, Python and DuckDB all walk its tree by recursion."""

import re

from telemetry_store.errors import QueryError, at

LONGEST = 16_384  # characters
DEEPEST = 60  # brackets within brackets
MOST_OPERATORS = 200
RECURSION = 8_000  # frames: a chain of MOST_OPERATORS needs some thousand in lark's transformer

_STRINGS = re.compile(r'"(\\.|[^"\\\n])*"|`[^`]*`')
_OPERATORS = re.compile(r"&&|\|\||[-+*/%^!=<>~|,]+|\b(?:and|or|unless)\b")


def check_size(text: str) -> None:
    """Raises QueryError, with a position, for a query past any bound."""
    if len(text) > LONGEST:
        raise QueryError(at(1, LONGEST, f"the query is longer than {LONGEST} characters"))
    bare = _STRINGS.sub(lambda found: " " * len(found[0]), text)
    _check_depth(bare)
    for number, found in enumerate(_OPERATORS.finditer(bare), 1):
        if number > MOST_OPERATORS or len(found[0]) > DEEPEST:
            raise QueryError(at(1, found.start() + 1, f"the query has more than {MOST_OPERATORS} operators"))


def _check_depth(text: str) -> None:
    depth = 0
    for column, char in enumerate(text, 1):
        depth += (char in "({") - (char in ")}")
        if depth > DEEPEST:
            raise QueryError(at(1, column, f"nested more than {DEEPEST} deep"))
