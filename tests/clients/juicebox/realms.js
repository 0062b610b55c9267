// Realms as they are meant to be: a server each, with a store, a root key and a file of marks of its own.

import { spawn, execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binary = process.env.STRONGROOM_BIN;
if (!binary) {
  throw new Error('STRONGROOM_BIN is not set; tests/clients/run sets it');
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

/** The tenant, whose backend makes tokens with the published generator. */
export const tenant = {
  tenant: 'acme',
  version: 1,
  /** What the generator wants: PKCS#8 in hexadecimal. */
  key: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex'),
};

/** What the realms are given: the public half. */
const storedKey = JSON.stringify({
  data: publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
  encoding: 'Hex',
  algorithm: 'Edwards25519',
});

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Realm {
  /** Makes a realm and starts its server. `backOff`: seconds that guesses wait. */
  static async start({ backOff = [] } = {}) {
    const realm = new Realm();
    realm.id = randomBytes(16).toString('hex');
    realm.folder = mkdtempSync(join(tmpdir(), 'strongroom-realm-'));
    const [port, adminPort] = [await freePort(), await freePort()];
    realm.url = `http://127.0.0.1:${port}`;
    realm.address = `${realm.url}/juicebox/${realm.id}/`;
    const at = (name) => join(realm.folder, name);
    execFileSync(binary, ['store', 'key', 'new', '-o', at('root.key')]);
    writeFileSync(at('tenant.key'), storedKey, { mode: 0o600 });
    writeFileSync(
      at('strongroom.toml'),
      `[server]
listen = "127.0.0.1:${port}"
[admin]
listen = "127.0.0.1:${adminPort}"
[storage]
path = "${at('data')}"
root_key_file = "${at('root.key')}"
[pin_recovery]
enabled = true
mark_file = "${at('marks.json')}"
[pin_recovery.rates]
user_requests_per_minute = 0
[[pin_recovery.realms]]
id = "${realm.id}"
guesses_max = 20
back_off_s = ${JSON.stringify(backOff)}
[[pin_recovery.tenants]]
name = "${tenant.tenant}"
key_version = ${tenant.version}
key_file = "${at('tenant.key')}"
`,
    );
    await realm.run();
    return realm;
  }

  /** Starts the server, and returns once it answers. */
  async run() {
    this.server = spawn(binary, ['--config', join(this.folder, 'strongroom.toml'), 'serve'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    this.server.stderr.on('data', (text) => (said += text));
    this.ended = new Promise((resolve) => this.server.once('exit', resolve));
    for (let tries = 0; tries < 200; tries += 1) {
      try {
        const answer = await fetch(this.address);
        if ((await answer.json()).realmID === this.id) {
          return;
        }
      } catch {
        // Not yet.
      }
      if (this.server.exitCode !== null) {
        throw new Error(`the server ended: ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server does not answer: ${said}`);
  }

  async end(signal = 'SIGKILL') {
    this.server.kill(signal);
    await this.ended;
  }

  /** How it stands with a user's record, which costs no guess. */
  async status(token) {
    const answer = await fetch(`${this.address}status`, { headers: { authorization: `Bearer ${token}` } });
    return answer.json();
  }

  async remove() {
    await this.end();
    rmSync(this.folder, { recursive: true });
  }
}
