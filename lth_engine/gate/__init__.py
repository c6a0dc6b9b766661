"""The way in for files that nobody vouches for: checks on raw bytes, and a child process that reads."""
