'use strict';

// What Misakey's web client computes and sends. Its source was never published as a package, so these are its steps,
// written from the page about the dialect and held to tests/vectors/misakey.json, over the libraries that it uses:
// tweetnacl for secretbox, argon2-browser for passwords.

const { createHash, randomBytes } = require('node:crypto');
const { execFileSync } = require('node:child_process');
// It is older than the `fetch` of Node.js, and would ask it for a file by its path. Without streaming it reads the file.
delete WebAssembly.instantiateStreaming;
const argon2 = require('argon2-browser');
const nacl = require('tweetnacl');

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; tests/clients/run sets it`);
  }
  return value;
}

const b64u = (bytes) => Buffer.from(bytes).toString('base64url');
const bytesOf = (text) => new Uint8Array(Buffer.from(text, 'base64url'));
const hashOf = (bytes) => b64u(createHash('sha512').update(bytes).digest());
const xor = (one, other) => one.map((byte, at) => byte ^ other[at]);

/** Bytes as the client's JSON has them. */
const tagged = (bytes) => ({
  type: 'Uint8Array',
  encoding: 'base64',
  value: Buffer.from(bytes).toString('base64'),
});
const untagged = (value) => new Uint8Array(Buffer.from(value.value, 'base64'));
const wrap = (document) => b64u(Buffer.from(JSON.stringify(document)));
const unwrap = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());

async function argon(password, salt) {
  const type = argon2.ArgonType.Argon2i;
  return (await argon2.hash({ pass: password, salt, time: 1, mem: 1024, hashLen: 32, parallelism: 1, type })).hash;
}

/** A root key under the key of a password. What goes into Argon2i are the characters of the salt's text. */
async function sealRootKey(rootKey, password, salt = randomBytes(16).toString('hex'), nonce = nacl.randomBytes(24)) {
  const ciphertext = nacl.secretbox(rootKey, nonce, await argon(password, salt));
  return wrap({ nonce: tagged(nonce), salt, ciphertext: tagged(ciphertext) });
}

/** The root key, or null if the password is wrong. */
async function openRootKey(sealed, password) {
  const { nonce, salt, ciphertext } = unwrap(sealed);
  return nacl.secretbox.open(untagged(ciphertext), untagged(nonce), await argon(password, salt));
}

/** A secret under the root key. */
function sealSecret(secret, rootKey) {
  const nonce = nacl.randomBytes(24);
  const ciphertext = nacl.secretbox(secret, nonce, rootKey);
  return wrap({ nonce: Buffer.from(nonce).toString('base64'), ciphertext: tagged(ciphertext) });
}

function openSecret(sealed, rootKey) {
  const { nonce, ciphertext } = unwrap(sealed);
  return nacl.secretbox.open(untagged(ciphertext), new Uint8Array(Buffer.from(nonce, 'base64')), rootKey);
}

/** What is shown to the server for a password. */
async function prehash(password, salt) {
  const params = { memory: 1024, iterations: 1, parallelism: 1, salt_base_64: salt.toString('base64') };
  const hash = await argon(password, salt);
  return { params, hash_base_64: Buffer.from(hash).toString('base64') };
}

/** A token from the operator: the last line that is printed. */
function issueToken(...options) {
  const settings = ['--config', required('STRONGROOM_CONFIG_FILE'), 'admin', 'token', 'issue', ...options];
  const printed = execFileSync(required('STRONGROOM_BIN'), settings, { encoding: 'utf8' });
  return printed.trimEnd().split('\n').at(-1);
}

/** A browser: cookies, a page token, and what is in its local storage. */
class Browser {
  constructor(token) {
    this.cookies = { accesstoken: token, tokentype: 'bearer' };
    this.localShare = null;
  }

  async send(method, path, body) {
    const page = method === 'GET' ? {} : { 'X-CSRF-Token': await this.pageToken() };
    const headers = {
      ...page,
      'Content-Type': 'application/json',
      Cookie: Object.entries(this.cookies)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
    };
    const url = required('STRONGROOM_MISAKEY_URL') + path;
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0].split('=');
      this.cookies[name] = value;
    }
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  async pageToken() {
    this.page ??= (await this.send('GET', '/csrf')).body.csrf_token;
    return this.page;
  }

  /** Splits the root key: one half stays, the other goes to the server. */
  async keepHalf(rootKey, accountId) {
    const local = nacl.randomBytes(rootKey.length);
    const share = { share: b64u(xor(rootKey, local)), user_local_share_hash: hashOf(local), account_id: accountId };
    this.localShare = local;
    return this.send('POST', '/crypto/root-key-shares', share);
  }

  /** The root key from both halves; null if the server has none. */
  async reopen() {
    const { status, body } = await this.send('GET', `/crypto/root-key-shares/${hashOf(this.localShare)}`);
    return status === 200 ? xor(bytesOf(body.share), this.localShare) : null;
  }
}

module.exports = { Browser, argon, b64u, bytesOf, hashOf, issueToken, openRootKey, openSecret, prehash, sealRootKey, sealSecret, xor };
