"""Fault control: the catalogue, what is wanted where, and the keeper that brings it about and undoes it."""
