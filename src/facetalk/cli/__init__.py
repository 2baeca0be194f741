"""Words to jobs: one file for each command."""
