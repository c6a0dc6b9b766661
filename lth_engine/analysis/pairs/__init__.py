"""Two networks weight by weight."""
