"""HTTP routes and answer shapes of Tempo."""
