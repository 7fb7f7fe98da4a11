"""LogQL: grammar, stages, evaluation of ranges and aggregations."""
