"""Scans → identity and expression codes: reading, alignment, fit, residual map."""
