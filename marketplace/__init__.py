"""The property marketplace that is served: a world whose truth is known, and the models trained from it."""
