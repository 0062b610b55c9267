'use strict';

// A running server: keys that its operator makes, and requests to it as they go over the wire.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const http = require('node:http');
const { JSON_TYPE, said, saidToTheirs } = require('./letters');
const theirs = require('./theirs');

function required(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; tests/clients/run sets it`);
  }
  return value;
}

const url = (target) => `${required('STRONGROOM_URL')}${target}`;

/** What `strongroom admin WORDS` prints. It finds the operator's listener and token by STRONGROOM_CONFIG. */
function operator(...words) {
  const printed = execFileSync(required('STRONGROOM_BIN'), ['admin', '--json', ...words], { encoding: 'utf8' });
  return printed ? JSON.parse(printed) : undefined;
}

/** Sends a request to the server, whichever its URL names: that only becomes its `Host`. */
async function send({ method, url: to, fields, body }) {
  const { hostname, port } = new URL(url(''));
  const { origin, host } = new URL(to);
  const headers = ['Host', host, 'Content-Length', `${Buffer.byteLength(body)}`, ...fields.flat()];
  const path = to.slice(origin.length);
  const response = await new Promise((done, failed) => {
    const request = http.request({ hostname, port, method, path, headers, agent: false, setHost: false });
    request.on('error', failed).on('response', done).end(body);
  });
  const answered = Buffer.concat(await response.toArray());
  const document = answered.length > 0 ? JSON.parse(answered) : undefined;
  return { status: response.statusCode, headers: response.headers, document };
}

/** What a request got that was to succeed. */
function ok({ status, document }, expected = 200) {
  assert.equal(status, expected, JSON.stringify(document));
  return document;
}

/** Whoever signs as a key of the server. */
class Holder {
  constructor(id, key) {
    Object.assign(this, { id, key });
  }

  /** A request of the profile, signed now unless `about` has it otherwise. The package gets `named` as it is. */
  async signed(method, target, { body = '', about, named, base, ...options } = {}) {
    const request = { method, url: base ? `${base}${target}` : url(target), fields: body ? [JSON_TYPE] : [], body };
    const parameters = saidToTheirs({ ...said(), key_id: this.id, ...about });
    return theirs.sign(request, this.key, { ...parameters, ...named }, options);
  }

  async ask(method, target, options) {
    return send(await this.signed(method, target, options));
  }
}

/** A chain of the tests' own, and the keys that its operator gives out. */
class Chain {
  id = operator('chain', 'create').chain;

  /** A key of a kind: its id, and its secret if the server drew one. */
  key(kind, ...more) {
    const { key, secret } = operator('service-key', 'create', '--chain', this.id, '--kind', kind, ...more);
    return { id: key.id, secret };
  }

  /** `permissions`: the file with what it may do, if that is not what keys may do by default. */
  holder(algorithm, permissions) {
    const limits = permissions ? ['--permissions', permissions] : [];
    if (algorithm === 'ed25519') {
      const key = theirs.Key.ed25519();
      return new Holder(this.key(algorithm, '--public-key', key.public.key, ...limits).id, key);
    }
    const { id, secret } = this.key(algorithm, ...limits);
    return new Holder(id, theirs.Key.hmac(Buffer.from(secret)));
  }

  delete(id) {
    operator('service-key', 'delete', '--chain', this.id, id, '--yes');
  }
}

module.exports = { Chain, Holder, ok, send, url };
