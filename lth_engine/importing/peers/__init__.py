"""Directories that other lottery-ticket programs leave behind: which program's it is, and what lies where."""
