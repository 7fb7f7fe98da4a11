"""Game day: timed faults for several players, with an instructor who alone sees the answers."""
