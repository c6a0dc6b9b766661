"""Lines between networks: their points, their barrier and its interval."""
