"""Protocols: what a chapter trains, on which data, and how it is scored; one package a paper."""
