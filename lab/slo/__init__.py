"""Objectives as data, and the rules, alerts and page that are generated from them."""
