"""The loss on a grid around a network."""
