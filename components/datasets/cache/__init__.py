"""Prepared cases on disk, keyed by the content that they were made from."""
