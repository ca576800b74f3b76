//! MCP: stdio and streamable HTTP, both protocol eras, Tasks.
