"""Every TraceQL search of the suite."""

from tests.contract.conformance.cases import Case
from tests.contract.conformance.filter_cases import beyond_tempo, filters, more_filters
from tests.contract.conformance.tree_cases import logic, pipelines, structure


def search_cases() -> list[Case]:
    """Every search that Tempo and the store answer alike."""
    return [*filters(), *more_filters(), *structure(), *logic(), *pipelines()]


def own_cases() -> list[Case]:
    """Searches of which the store knows more than Tempo."""
    return list(beyond_tempo())
