"""Send messages, and never the same one twice."""
