"""What a sandbox was asked."""


def of_histories(server, *, since=0):
    """Return the requests for pages and counts, from one of all requests on: a run may also ask for the account."""
    return [request for request in server.requests[since:] if request.method.endswith("SmsHistory")]
