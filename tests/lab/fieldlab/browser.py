"""A headless Chromium, driven through the DevTools protocol over a pipe: nothing to install."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Browser", "PageError", "browser_program", "open_browser"]

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",  # WebGL is drawn by the processor then (SwiftShader)
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--remote-debugging-pipe",
    "--autoplay-policy=no-user-gesture-required",
)


class PageError(AssertionError):
    """The page did not do what was waited for, or a script of it failed."""


class Browser:
    """One page of a browser. `errors` collects what its scripts and console complained about."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._buffer = b""
        self._number = 0
        self.errors: list[str] = []
        target = self._ask("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session = self._ask("Target.attachToTarget", attach, None)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Security.setIgnoreCertificateErrors", {"ignore": True})

    def ask(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """A command of the DevTools protocol to the page."""
        return self._ask(method, parameters or {}, self._session)

    def go(self, url: str) -> None:
        """Open `url`."""
        self.ask("Page.navigate", {"url": url})

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        wanted = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self.ask("Runtime.evaluate", wanted)
        if "exceptionDetails" in answer:
            raise PageError(json.dumps(answer["exceptionDetails"])[:800])
        return answer["result"].get("value")

    def wait(self, script: str, timeout_s: float = 20.0) -> Any:
        """The value of an expression once it is true.

        Raises:
            PageError: it did not become so in time.
        """
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            try:
                value = self.run(script)
            except PageError as error:
                value, last = None, str(error)
            else:
                last = repr(value)
            if value:
                return value
            time.sleep(0.1)
        raise PageError(f"{script} stayed {last} for {timeout_s:g} s; {self.errors[-3:]}")

    def click(self, selector: str) -> None:
        """Click the first element that `selector` finds, once there is one: pages are drawn when
        the centre has answered.
        """
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{found} !== null && ({found}.click(), true)")

    def fill(self, selector: str, text: str) -> None:
        """Put `text` into a field."""
        self.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    def size(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Give the page a screen of this size."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.ask("Emulation.setDeviceMetricsOverride", screen)

    def language(self, tag: str) -> None:
        """Prefer this language from the next page on."""
        agent = self.run("navigator.userAgent")
        self.ask("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": tag})

    def screenshot(self, path: Path) -> Path:
        """What the page looks like, as a PNG file."""
        shot = self.ask("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def _ask(self, method: str, parameters: dict[str, Any], session: str | None) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                break
            self._note(answer)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            block = os.read(self._reading, 1 << 20)
            if not block:
                raise PageError("the browser ended")
            self._buffer += block
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(said["exceptionDetails"])[:600])
        if event["method"] == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")


def browser_program() -> str:
    """The browser of this machine: Chromium, or its sibling where only that is there."""
    sibling = shutil.which("chromium") is None and shutil.which("google-chrome") is not None
    return "google-chrome" if sibling else "chromium"


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `folder`, ended at the end."""
    program = shutil.which(browser_program())
    assert program is not None, "chromium is not installed"
    to_browser, from_browser = os.pipe(), os.pipe()
    # Chromium reads commands on descriptor 3 and answers on 4.
    shell = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
    inherited = (to_browser[0], from_browser[1])
    profile = (f"--user-data-dir={folder}", "about:blank")
    process = subprocess.Popen(
        ["bash", "-c", shell, "browser", *map(str, inherited), program, *_FLAGS, *profile],
        pass_fds=inherited,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in inherited:
        os.close(end)
    try:
        yield Browser(from_browser[0], to_browser[1])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(from_browser[0])
        os.close(to_browser[1])
