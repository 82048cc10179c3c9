"""Ask the database and show the answer."""
