"""A server of a test's own: started with settings of its own, ended in any manner, started again on the same data."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from person import settings
from person.wire import Server

START_S = 30
NO_RATES = "".join(
    f"{name} = 0\n"
    for name in (
        "api_key_logins_per_hour",
        "logins_per_day",
        "prelogins_per_day",
        "registrations_per_day",
        "device_polls_per_day",
        "info_per_hour",
        "anonymous_per_day",
        "bad_tokens_per_minute",
        "session_per_day",
    )
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """`psono`: lines of the dialect's section. `rates`: lines of its limits, none unless given. `more`: sections."""

    def __init__(self, folder: Path, psono: str = "", rates: str = NO_RATES, more: str = "") -> None:
        self.binary = settings.required("STRONGROOM_BIN")
        self.log = folder / "server.log"
        port, admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server = Server(f"{self.url}/psono")
        self.config = folder / "strongroom.toml"
        self.config.write_text(
            f'[server]\nlisten = "127.0.0.1:{port}"\nconnections_per_source_max = 0\n'
            f'[admin]\nlisten = "127.0.0.1:{admin_port}"\n'
            f'[storage]\npath = "{folder / "data"}"\n'
            f"[psono]\n{psono}\n[psono.rates]\n{rates}\n{more}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            words = [self.binary, "--config", str(self.config), "serve"]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        patience = time.monotonic() + START_S
        while not self._healthy():
            assert self._process.poll() is None and time.monotonic() < patience, self.log.read_text()
            time.sleep(0.05)

    def _healthy(self) -> bool:
        words = [self.binary, "health", "--server", self.url]
        return subprocess.run(words, capture_output=True, timeout=START_S, check=False).returncode == 0

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.end(how)
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end(signal.SIGKILL)
