"""The first floor: fetch every page over bare sockets' own client and throw it away."""

import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

PAGE = 1000


def pages(url: str, method: str, offsets: list[int]) -> None:
    """Fetch some pages over one connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for offset in offsets:
        connection.request("GET", f"/{method}?count={PAGE}&offset={offset}")
        connection.getresponse().read()


def main(url: str, _folder: str, jobs: str = "4") -> None:
    """Fetch all pages of both histories."""
    with ThreadPoolExecutor(int(jobs)) as pool:
        for method in ("GetSmsHistory", "A2PGetSmsHistory"):
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            connection.request("GET", f"/{method}?count=1")
            offsets = list(range(0, json.load(connection.getresponse())["total_count"], PAGE))
            for n in range(int(jobs)):
                pool.submit(pages, url, method, offsets[n :: int(jobs)])


if __name__ == "__main__":
    main(*sys.argv[1:])
