"""What Prometheus scrapes: own counters, span metrics, the service graph, native histograms."""
