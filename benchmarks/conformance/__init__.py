"""Programs of others, run here: whether what they do is what they should."""
