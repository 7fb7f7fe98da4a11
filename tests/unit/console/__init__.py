"""The console's server, on a real socket, over backends that answer from a script."""
