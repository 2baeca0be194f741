"""Shapes and types in signatures are checked while tests run, and only then."""

from jaxtyping import install_import_hook

hook = install_import_hook("facetalk", "beartype.beartype")
