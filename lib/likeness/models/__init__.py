"""Models and losses of the papers, one module or package a paper."""
