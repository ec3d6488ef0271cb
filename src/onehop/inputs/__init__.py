"""What comes from outside, read with care: bounded, strict, and without stalling the process."""
