"""The ComposeTransformers chapter. Nothing is imported here: `parameters` must be readable without torch."""
