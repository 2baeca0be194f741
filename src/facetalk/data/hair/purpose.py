"""What a row of the hair set is for, as the set's files number it."""

TRAIN = 0
NEW_PERSON = 1
"""A trained style on a held-out person."""
NEW_STYLE = 2
"""A held-out style."""
