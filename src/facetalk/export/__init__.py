"""Files that other tools read: a suffix picks a writer."""

from facetalk.export.formats import check, save

__all__ = ["check", "save"]
