"""Detectors: one file each, with one function ``find(window)``; what none of them sees, the engine does not see."""
