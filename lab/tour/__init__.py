"""The tour: each fault once on a running system, recorded, so that many checks can be made on one recording."""
