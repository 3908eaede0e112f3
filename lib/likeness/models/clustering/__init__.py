"""End-to-end similarity learning and hierarchical clustering (Gigli, Marcotegui, Velasco-Forero, GSI 2021).

Import from the modules: `networks` (MLP, DGCNN, learned radius), `losses` (triplet, HypHC), `training`, `decoding`
(hyperbolic LCA and the O(n log n) circle decoding), `hyphc` (the peer of Chami et al.). Nothing is imported here, so
that the decoding can be used without waiting for torch.
"""
