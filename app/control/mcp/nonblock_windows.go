package mcp

const nonblock = 0
