"""Export the SMS history of a Voximplant account, completely and provably."""
