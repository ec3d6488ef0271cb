"""Messages about calls that wait for a person."""
