"""Pure functions on arrays: scores of clusterings and hierarchies."""
