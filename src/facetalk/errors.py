"""Errors that a user can mend. The command line prints them as one line and exits with code 2."""


class FacetalkError(Exception):
    """What is wrong, with the value, and what to do about it, in one line."""


class InputError(FacetalkError):
    """A file, value or option given by the user cannot be used."""


class CheckpointError(FacetalkError):
    """Weights or codes that are missing, damaged, or made for another model."""
