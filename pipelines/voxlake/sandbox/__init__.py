"""A look-alike of the Voximplant SMS API; shares no code with the client."""
