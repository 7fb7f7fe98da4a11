"""Every TraceQL search of the suite."""

from tests.contract.conformance.cases import Case
from tests.contract.conformance.filter_cases import filters, more_filters
from tests.contract.conformance.tree_cases import logic, pipelines, structure


def search_cases() -> list[Case]:
    """Every search."""
    return [*filters(), *more_filters(), *structure(), *logic(), *pipelines()]
