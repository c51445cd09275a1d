"""Named endpoints for programs, also offered as MCP tools."""
