"""Open-loop traffic from the marketplace: Poisson arrivals at a set rate, whatever the system's speed."""
