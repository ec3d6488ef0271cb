"""The MCP door. Empty, because the SDK that ``app`` imports takes a second to load."""
