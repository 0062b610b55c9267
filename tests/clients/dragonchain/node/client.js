'use strict';

// The published SDK, and what its answers are held to.

const assert = require('node:assert/strict');
const { createClient } = require('dragonchain-sdk');
const settings = require('./settings');

/** The functions that the SDK can sign with. */
const ALGORITHMS = ['SHA256', 'BLAKE2b512', 'SHA3-256'];
/** What a key may do that was made without a document. */
const DEFAULT_DOCUMENT = {
  version: '1',
  default_allow: true,
  permissions: { api_keys: { allow_create: false, allow_update: false, allow_delete: false } },
};
const FORBIDDEN = [403, 'ACTION_FORBIDDEN'];
const UNAUTHENTICATED = [401, 'AUTHENTICATION_ERROR'];
const NOT_FOUND = [404, 'NOT_FOUND'];

/** What a request got that was to succeed. */
function ok(answer, status = 200) {
  assert.deepEqual([answer.status, answer.ok], [status, true], JSON.stringify(answer));
  return answer.response;
}

/** Holds a refusal to its exact words. */
function refused(answer, [status, type], details) {
  assert.deepEqual(answer, { status, response: { error: { type, details } }, ok: false });
}

/** What signs for whom, and where. */
class Key {
  constructor(id, text, { chain = settings.chain, endpoint = settings.endpoint } = {}) {
    Object.assign(this, { id, text, chain, endpoint });
  }

  static root = new Key(settings.rootKeyId, settings.rootKey);

  /** The same with something changed. */
  but(change) {
    return Object.assign(new Key(), this, change);
  }

  client(algorithm) {
    const { chain: dragonchainId, id: authKeyId, text: authKey, endpoint } = this;
    return createClient({ dragonchainId, authKeyId, authKey, endpoint, algorithm });
  }

  /** A key that this one makes. */
  async made(nickname, permissionsDocument) {
    const { id, key } = ok(await (await this.client()).createApiKey({ nickname, permissionsDocument }), 201);
    return this.but({ id, text: key });
  }
}

const document = (defaultAllow = false, permissions = {}) => ({
  version: '1',
  default_allow: defaultAllow,
  permissions,
});

const ids = async (client) => ok(await client.listApiKeys()).keys.map(({ id }) => id);

module.exports = {
  ALGORITHMS,
  DEFAULT_DOCUMENT,
  FORBIDDEN,
  Key,
  NOT_FOUND,
  UNAUTHENTICATED,
  document,
  ids,
  ok,
  refused,
};
