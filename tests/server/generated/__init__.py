"""Programs that use clients made from the OpenAPI document."""
