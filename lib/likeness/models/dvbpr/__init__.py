"""DVBPR (Kang et al., ICDM 2017): recommenders, generative model and design."""
