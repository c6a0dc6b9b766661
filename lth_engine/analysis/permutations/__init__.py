"""Units in another order: which may change places, and which order fits another network best."""
