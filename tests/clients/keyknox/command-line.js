'use strict';

// `strongroom keys` as one more device of a user of the published clients: the same identity, the same private key.

const { execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const settings = require('./settings');

class CommandLine {
  constructor(identity, privateKey) {
    this.folder = mkdtempSync(join(tmpdir(), 'strongroom-keys-'));
    const secret = (name, text) => {
      const file = join(this.folder, name);
      writeFileSync(file, `${text}\n`, { mode: 0o600 });
      return file;
    };
    const application = secret('application.key', settings.applicationKey);
    const own = secret('own.key', privateKey);
    const said = ['--server', settings.url, '--identity', identity, '--private-key', own];
    const app = ['--app', settings.applicationId, '--key-id', settings.keyId, '--app-key', application];
    this.run(['init', ...said, ...app]);
  }

  /** Runs a command and returns what it printed, as bytes. */
  run(words, input = '') {
    const command = ['keys', '--profile', join(this.folder, 'keys.toml'), ...words];
    return execFileSync(settings.binary, command, { input, stdio: 'pipe' });
  }

  put(name, key, ...more) {
    this.run(['put', name, ...more], key);
  }

  get(name) {
    return this.run(['get', name]);
  }

  names() {
    return JSON.parse(this.run(['list', '--json'])).map((entry) => entry.name);
  }

  close() {
    rmSync(this.folder, { recursive: true });
  }
}

module.exports = { CommandLine };
