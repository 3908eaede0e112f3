"""Image + text -> image: ComposeTransformers (Tran and Hoang, 2022), its parents ComposeAE and TIRG, and baselines."""
