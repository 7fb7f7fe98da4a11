"""The console's server: one page, the lab's own API, and the query APIs of the four backends behind one origin."""
