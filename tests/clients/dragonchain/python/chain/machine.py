"""A machine on which nobody has used the vendor's tool yet: a home folder, and `coiin` as a link to `strongroom`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from chain import settings
from chain.client import Key

#: Prints the keys of the chain that the SDK finds by itself, and by which one it signed.
LOOK = """
import json, dragonchain_sdk
client = dragonchain_sdk.create_client()
answer = client.list_api_keys()
print(json.dumps([answer["status"], client.credentials.auth_key_id, client.request.endpoint]))
"""


class Machine:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.coiin = home / "bin" / "coiin"
        self.coiin.parent.mkdir()
        self.coiin.symlink_to(settings.binary())
        self.variables: dict[str, str] = {}

    @property
    def file(self) -> Path:
        """The one that the SDKs read."""
        return self.home / ".dragonchain" / "credentials"

    @property
    def own_file(self) -> Path:
        """The one that the tool writes unless it is told otherwise, or only the other is there."""
        return self.home / ".coiin" / "credentials"

    def _run(self, program: Path | str, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]} | self.variables
        return subprocess.run(
            [program, *words],
            env=environment,
            cwd=self.home,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run(self, *words: str, typed: str = "", program: Path | None = None) -> str:
        """What `coiin WORDS` prints."""
        done = self._run(program or self.coiin, *words, typed=typed)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def asks(self, *words: str, code: int = 0) -> Any:
        """What `coiin WORDS` gets from the server."""
        done = self._run(self.coiin, *words)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def add(self, key: Key, *flags: str, program: Path | None = None) -> str:
        """`creds local add`, answered by a script."""
        words = ("creds", "local", "add", key.chain, *flags)
        return self.run(*words, typed=f"{key.endpoint}\n{key.id}\n{key.text}\n", program=program)

    def look(self) -> tuple[int, str, str]:
        """The SDK without a word of ours, in a process of its own: status, key and endpoint."""
        done = self._run(sys.executable, "-W", "ignore", "-c", LOOK)
        assert done.returncode == 0, done.stderr
        status, key_id, endpoint = json.loads(done.stdout)
        return status, key_id, endpoint
