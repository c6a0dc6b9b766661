"""What a network does on images, class by class, and whether its confidence can be believed."""
