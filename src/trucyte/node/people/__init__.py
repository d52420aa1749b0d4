"""People of a node: their index put together, followed, and shown on the command line."""
