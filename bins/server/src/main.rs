//! `mcp-orchestrator-server`: logging, settings, the parts, serving, draining.

fn main() {}
