"""Image sets as uint8 tensors, cut into training, validation and test parts."""
