'use strict';

// `strongroom cryppo` as the other side of every exchange: keys lie in files of a folder of its own, values travel
// through pipes.

const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const settings = require('./settings');

class CommandLine {
  #files = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'strongroom-cryppo-'));
  }

  /** Runs a command and returns what it printed, as bytes. Throws with what it said if it refuses. */
  run(words, input = '') {
    return execFileSync(settings.binary, ['cryppo', ...words], { input, stdio: 'pipe' });
  }

  #file(content) {
    const file = join(this.folder, String((this.#files += 1)));
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  #line(words, input) {
    const printed = this.run(words, input).toString();
    return printed.slice(0, printed.lastIndexOf('\n'));
  }

  /** A new key as it is printed. */
  genkey() {
    return this.#line(['genkey']);
  }

  genkeypair(bits) {
    const [privateFile, publicFile] = [this.#file(''), this.#file('')];
    this.run(['genkeypair', '-p', privateFile, '-P', publicFile, '--bits', String(bits), '--force']);
    return { privateKey: readFileSync(privateFile, 'latin1'), publicKey: readFileSync(publicFile, 'latin1') };
  }

  /** `key`: as it is printed. */
  encrypt(key, plain, ...flags) {
    const value = plain.length === 0 ? ['-v', ''] : [];
    return this.#line(['encrypt', '--key-file', this.#file(key), ...value, ...flags], plain);
  }

  decrypt(key, serialized, ...flags) {
    return this.run(['decrypt', '--key-file', this.#file(key), ...flags], serialized);
  }

  encryptRsa(publicKey, plain) {
    return this.#line(['encrypt', '-P', this.#file(publicKey)], plain);
  }

  decryptRsa(privateKey, serialized) {
    return this.run(['decrypt', '-p', this.#file(privateKey)], serialized);
  }

  sign(privateKey, data) {
    return this.#line(['sign', '-p', this.#file(privateKey)], data);
  }

  verify(publicKey, serialized) {
    return this.run(['verify', '-P', this.#file(publicKey)], serialized);
  }

  close() {
    rmSync(this.folder, { recursive: true });
  }
}

module.exports = { CommandLine };
