"""Studies of the data card: what the generated wardrobe is like, and whether it tells methods apart."""
