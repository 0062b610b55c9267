'use strict';

// A machine on which nobody has used the vendor's tool yet: a home folder, and `coiin` as a link to `strongroom`.

const { execFileSync, spawnSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, rmSync, symlinkSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const settings = require('./settings');

/** Prints by which key the SDK signed that it found by itself, and what came of it. */
const LOOK = `
const { createClient } = require('dragonchain-sdk');
(async () => {
  const client = await createClient();
  const { status } = await client.listApiKeys();
  console.log(JSON.stringify([status, client.credentialService.credentials.authKeyId, client.endpoint]));
})();
`;

class Machine {
  variables = {};

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), 'strongroom-coiin-'));
    mkdirSync(join(this.home, 'bin'));
    this.coiin = join(this.home, 'bin', 'coiin');
    symlinkSync(settings.binary, this.coiin);
    /** The one that the SDKs read. */
    this.file = join(this.home, '.dragonchain', 'credentials');
  }

  get #options() {
    return { env: { HOME: this.home, PATH: process.env.PATH, ...this.variables }, encoding: 'utf8', stdio: 'pipe' };
  }

  /** What a program prints; throws with what it said if it fails. */
  run(words, { input = '', program = this.coiin } = {}) {
    return execFileSync(program, words, { ...this.#options, input });
  }

  /** What `coiin WORDS` gets from the server. */
  asks(...words) {
    return JSON.parse(spawnSync(this.coiin, words, this.#options).stdout);
  }

  /** `creds local add`, answered by a script. */
  add(key, { flags = ['--credentials-file', this.file], program } = {}) {
    const input = `${key.endpoint}\n${key.id}\n${key.text}\n`;
    return this.run(['creds', 'local', 'add', key.chain, ...flags], { input, program });
  }

  /** The SDK without a word of ours, in a process of its own: status, key and endpoint. */
  look() {
    return JSON.parse(execFileSync(process.execPath, ['-e', LOOK], { ...this.#options, cwd: __dirname }));
  }

  close() {
    rmSync(this.home, { recursive: true });
  }
}

module.exports = { Machine };
