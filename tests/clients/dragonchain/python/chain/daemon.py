"""A server of a test's own: with a listener for chains alone, ended in any manner, started again on the same data."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from chain import settings
from chain.client import Key

START_S = 30
CHAIN = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """`more`: further lines of the dialect's section, and sections after it."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.log = folder / "server.log"
        port, admin_port, chain_port = free_port(), free_port(), free_port()
        self.public = f"http://127.0.0.1:{port}"
        self.root = Key("ROOTOFMYOWN_", "0123456789" * 4 + "abc", CHAIN, f"http://127.0.0.1:{chain_port}")
        self.config = folder / "strongroom.toml"
        root_key = folder / "root-key"
        root_key.write_text("5e" * 32)
        root_key.chmod(0o600)
        self.config.write_text(
            f'[server]\nlisten = "127.0.0.1:{port}"\n'
            f'[admin]\nlisten = "127.0.0.1:{admin_port}"\n'
            f'[storage]\npath = "{folder / "data"}"\nroot_key_file = "{root_key}"\n'
            f'[dragonchain]\nenabled = true\nlisten = "127.0.0.1:{chain_port}"\nchain = "{self.root.chain}"\n'
            f'root_key_id = "{self.root.id}"\nroot_key = "{self.root.text}"\n{more}\n'
        )
        self.config.chmod(0o600)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            words = [settings.binary(), "--config", str(self.config), "serve"]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        patience = time.monotonic() + START_S
        while not self._healthy():
            assert self._process.poll() is None and time.monotonic() < patience, self.log.read_text()
            time.sleep(0.05)

    def _healthy(self) -> bool:
        words = [settings.binary(), "health", "--server", self.public]
        return subprocess.run(words, capture_output=True, timeout=START_S, check=False).returncode == 0

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end(signal.SIGKILL)
