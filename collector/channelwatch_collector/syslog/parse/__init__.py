"""Pure functions from bytes to messages, frames, redacted text and event kinds. No socket, file or clock."""
