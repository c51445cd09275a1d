"""Named endpoints for programs, and the same as tools over MCP."""
