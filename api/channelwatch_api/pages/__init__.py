"""The board's pages: server-rendered HTML, working without a script."""
