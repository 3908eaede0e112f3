"""The studies of the FPQ chapter."""
