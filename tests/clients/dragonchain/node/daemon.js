'use strict';

// A server of a test's own, with a listener for chains alone; ended and started again on the same data.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const settings = require('./settings');
const { Key } = require('./client');

const START_MS = 30_000;

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

class Daemon {
  #folder = mkdtempSync(join(tmpdir(), 'strongroom-chains-'));
  #child;

  /** Runs something with a server, which is gone afterwards. */
  static async with(use) {
    const daemon = new Daemon();
    try {
      const [port, adminPort, chainPort] = [await freePort(), await freePort(), await freePort()];
      const secret = (name, text) => {
        writeFileSync(join(daemon.#folder, name), text, { mode: 0o600 });
        return join(daemon.#folder, name);
      };
      daemon.public = `http://127.0.0.1:${port}`;
      const endpoint = `http://127.0.0.1:${chainPort}`;
      daemon.root = new Key('ROOTOFMYOWN_', `${'0123456789'.repeat(4)}abc`, { endpoint });
      daemon.config = secret(
        'strongroom.toml',
        `[server]
listen = "127.0.0.1:${port}"
[admin]
listen = "127.0.0.1:${adminPort}"
[storage]
path = "${join(daemon.#folder, 'data')}"
root_key_file = "${secret('root-key', '5e'.repeat(32))}"
[dragonchain]
enabled = true
listen = "127.0.0.1:${chainPort}"
chain = "${daemon.root.chain}"
root_key_id = "${daemon.root.id}"
root_key_file = "${secret('chain-key', daemon.root.text)}"
`,
      );
      await daemon.start();
      await use(daemon);
    } finally {
      await daemon.end('SIGKILL');
      rmSync(daemon.#folder, { recursive: true });
    }
  }

  async start() {
    const file = join(this.#folder, 'server.log');
    const log = openSync(file, 'a');
    this.#child = spawn(settings.binary, ['--config', this.config, 'serve'], { stdio: ['ignore', log, log] });
    closeSync(log);
    const healthy = () => spawnSync(settings.binary, ['health', '--server', this.public]).status === 0;
    for (const until = Date.now() + START_MS; !healthy(); await sleep(50)) {
      if (this.#child.exitCode !== null || Date.now() > until) throw new Error(readFileSync(file, 'utf8'));
    }
  }

  async end(how) {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(how);
    await ended;
  }
}

module.exports = { Daemon };
