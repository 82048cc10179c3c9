"""One HTML page, and pictures, of what the database says about a span of days; the door is `board`."""
