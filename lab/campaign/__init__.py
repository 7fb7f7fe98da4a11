"""Recorded cases: a normal window, an injection, a fault window, and the truth beside them."""
