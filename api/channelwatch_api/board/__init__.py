"""The board: server-rendered pages, patched in place by an event stream."""
