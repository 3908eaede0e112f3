"""Five papers on learned similarity, rebuilt and rerun: the thin library behind the report."""

__version__ = "0.1.0"
