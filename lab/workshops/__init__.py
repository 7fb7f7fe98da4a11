"""Workshops: bare code to make observable, and checkers that run what a learner made of it.

The starting points and the reference solutions are data, in the folder ``workshops`` of the checkout.
"""
