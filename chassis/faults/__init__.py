"""Faults: one class in one file each. What they do to a process ends with them, at the latest at their own end.

No service imports this package: faults turn the knobs that components register, and hold or use up what a process has.
"""
