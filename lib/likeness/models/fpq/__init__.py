"""Product quantization and FPQ.

He, "Hashing-based Approximate Nearest-Neighbor Search for Large-scale Image Retrieval", and its public code (2023).

Import from the modules: `lloyd` (k-means as a map and a reduce), `pq` (codebooks, codes, tables, search),
`open_indexing` (eq. 3 and Algorithm 1), `fpq` (the paper's index), `published` (what its code does and its text
does not), `mapreduce` (codebooks from shards, on Dask), `store` (an index on disk, whole or not there), `engines`
(into faiss), `inverted` (OpenIndexing in an inverted file). Nothing is imported here, so that quantizing needs neither
faiss nor Dask.
"""
