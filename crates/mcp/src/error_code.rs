//! The error codes of JSON-RPC and of the protocol.
//!
//! Codes of our own would have to lie outside -32768..=-32000: from 2026-07-28 on the protocol
//! reserves all that are left there (2026-07-28, basic, error codes).

/// JSON-RPC 2.0 §5.1: the text is not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC 2.0 §5.1: the JSON is not a valid request.
pub const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC 2.0 §5.1.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC 2.0 §5.1; in MCP also an unknown tool or prompt, and from 2026-07-28 on an unknown
/// resource.
pub const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC 2.0 §5.1.
pub const INTERNAL_ERROR: i64 = -32603;
/// Without a common meaning; clients of 2025-03-26 to 2025-11-25 know it as "bad request".
pub const BAD_REQUEST: i64 = -32000;
/// Without a common meaning; clients of 2025-03-26 to 2025-11-25 know it as "session not found".
pub const SESSION_NOT_FOUND: i64 = -32001;
/// 2024-11-05 to 2025-11-25, server/resources, error handling.
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// 2026-07-28, basic/transports, headers: a header contradicts the body.
pub const HEADER_MISMATCH: i64 = -32020;
/// 2026-07-28, basic/versioning: the request needs a capability the client did not declare.
pub const MISSING_REQUIRED_CLIENT_CAPABILITY: i64 = -32021;
/// 2026-07-28, basic/versioning; `data` lists the supported revisions.
pub const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;
/// 2025-11-25 only, client/elicitation; `data.elicitations` names the pages to visit.
pub const URL_ELICITATION_REQUIRED: i64 = -32042;
