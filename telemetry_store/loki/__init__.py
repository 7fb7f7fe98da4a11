"""HTTP routes and answer shapes of Loki."""
