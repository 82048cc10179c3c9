"""Turn the bytes of a reply into rows of one Arrow schema."""
