"""Rig curves as files and in time: Live Link Face takes, and resampling between exact rates."""
