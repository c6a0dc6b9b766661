"""What the questions about features are made of: the frozen network, its features, the classifier on them."""
