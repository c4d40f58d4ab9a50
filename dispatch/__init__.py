"""Sends each reader just their part of a periodical bulletin."""

__version__ = "0.1.0"
