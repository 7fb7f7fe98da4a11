"""Small typed clients of the gateway and of the Tempo, Loki and Prometheus query APIs."""
