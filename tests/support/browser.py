"""A real Chromium without a window, driven through its DevTools protocol."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import websocket

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


class Browser:
    """One tab of one browser in a profile of its own; `asked` are the URLs it loaded, `complaints` what it logged."""

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="voxlake-browser-", ignore_cleanup_errors=True)
        self._tab = None
        self._process = subprocess.Popen(
            [PROGRAM, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._tab = websocket.create_connection(_address(Path(self._profile.name)), timeout=60)
        except BaseException:
            self.__exit__()
            raise
        self._number = 0
        self.asked, self.complaints = [], []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.do(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        if self._tab:
            self._tab.close()
        self._process.terminate()
        self._process.wait(30)
        self._profile.cleanup()

    def do(self, method, **parameters):
        """Send one command and give its result; what happens meanwhile is noted."""
        self._number += 1
        self._tab.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (told := self._next()).get("id") != self._number:
            pass
        assert "error" not in told, told
        return told["result"]

    def open(self, path, *, width, height=900, dark=False):
        """Load a file and wait until it is there."""
        self.asked.clear()
        self.complaints.clear()
        self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.media(dark=dark)
        self.do("Page.navigate", url=path.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def media(self, *, dark=False, kind="screen"):
        """Choose what the page is shown on."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", media=kind, features=[scheme])

    def value(self, expression):
        """Evaluate JavaScript in the page; of a promise, give what it brings."""
        done = self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def _next(self):
        told = json.loads(self._tab.recv())
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["params"]["entry"])
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(told["params"])
        return told


def _address(profile):
    """Wait for the browser to say where it listens, and give the address of its tab."""
    port = profile / "DevToolsActivePort"
    for _ in range(600):
        if port.exists() and port.read_text().count("\n"):
            with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port.read_text().split()[0]}/json") as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return tabs[0]["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise TimeoutError("Chromium did not start.")
