"""A run as one page: facts in, HTML out. The page needs no network, no other file and no script."""
from .page import report_page

__all__ = ['report_page']
