"""Speak Voximplant over HTTP: requests, retries, authentication, and the two history methods."""
