"""Files that other tools read: a suffix picks a writer."""
