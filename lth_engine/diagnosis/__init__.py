"""What a checkpoint is and how it does: findings from weights, comparisons of two, and answers on images."""
