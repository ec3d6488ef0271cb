"""The HTTP API: its routes, parameters, schemas, document and feed of events."""
