"""The gate: the one way in for files that somebody brought. Raw bytes are checked here, the rest in a child."""
