"""Data sets: generators, loaders, and the registry of where each comes from."""
