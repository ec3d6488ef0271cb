"""What OpenTelemetry calls things: the attributes of our spans.

The names of GenAI and of MCP are those of its semantic conventions, which are not stable yet:
when they change, this is the place. Ours begin with ``onehop.``.
"""

from __future__ import annotations

from typing import Final

# GenAI
OPERATION: Final = "gen_ai.operation.name"
EXECUTE_TOOL: Final = "execute_tool"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
FUNCTION: Final = "function"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
AGENT_ID: Final = "gen_ai.agent.id"
CONVERSATION_ID: Final = "gen_ai.conversation.id"

# MCP
MCP_METHOD: Final = "mcp.method.name"
TOOLS_CALL: Final = "tools/call"
MCP_PROTOCOL: Final = "mcp.protocol.version"

# HTTP
HTTP_METHOD: Final = "http.request.method"
HTTP_STATUS: Final = "http.response.status_code"
URL_TEMPLATE: Final = "url.template"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

# All
ERROR_TYPE: Final = "error.type"
TRANSPORT: Final = "network.transport"

# Ours
LANGUAGE: Final = "onehop.language"
CODE_HASH: Final = "onehop.code.hash"
CODE_LENGTH: Final = "onehop.code.length"
OUTCOME: Final = "onehop.outcome"
REPEATED: Final = "onehop.repeated"
SAFE: Final = "onehop.validation.safe"
ERRORS: Final = "onehop.validation.errors"
WARNINGS: Final = "onehop.validation.warnings"
KILLED: Final = "onehop.killed"
MEMORY: Final = "onehop.memory.bytes"
CPU: Final = "onehop.cpu.seconds"
EFFECT: Final = "onehop.tool.effect"
QUEUED: Final = "onehop.tool.queued.seconds"
BYTES_IN: Final = "onehop.tool.arguments.bytes"
BYTES_OUT: Final = "onehop.tool.result.bytes"
RULE: Final = "onehop.tool.rule"
UPSTREAM: Final = "onehop.upstream"
RECORDS: Final = "onehop.records"
