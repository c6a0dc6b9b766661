"""Training: the loop, its optimizers, and what a run leaves behind."""
