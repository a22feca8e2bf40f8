"""Pretrained weights: where they come from, what a file of them may hold, and how they get into a network."""
