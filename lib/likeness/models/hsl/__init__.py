"""Text-to-product-image retrieval: HSL (Ma et al., ICASSP 2021) and the rivals of its Table 1."""
