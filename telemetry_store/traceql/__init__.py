"""TraceQL: grammar, types, SQL for span filters, evaluation of spansets."""
