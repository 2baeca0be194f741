"""Hairstyles made procedurally on the scalps of a head source; lengths are millimetres of NPHM space."""
