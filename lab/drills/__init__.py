"""Blind, seeded, graded practice: a fault behind the player's back, an opening, an answer, marks, a solution."""
