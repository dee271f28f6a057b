"""Generated hearts, for the built-in data set and for tests."""
