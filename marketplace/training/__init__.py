"""Training: from the world to the artifacts in ``models/``, through exactly the preprocessing that serves."""
