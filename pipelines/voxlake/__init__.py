"""Export the SMS history of a Voximplant account, completely and provably."""

__version__ = "0.1.0"
