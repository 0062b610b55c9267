'use strict';

// The published package, and keys that both sides know. A message is `{ method, url, fields, body }` or
// `{ status, fields, body }` with its fields as pairs, as ours has it.

const { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } = require('node:crypto');
const { createSigner, createVerifier, httpbis } = require('http-message-signatures');

/** What every request of the profile covers, and what it covers with a body. */
const COVERS = ['@method', '@authority', '@path', '@query'];
const BODY_COVERS = ['content-type', 'content-digest'];
/** What every request of the profile says of itself, in the order in which this package likes it. */
const PARAMETERS = ['created', 'expires', 'nonce', 'alg', 'keyid', 'tag'];
/** That one, the one of the Python package, ours backwards, and one without `expires`. */
const ORDERS = [
  PARAMETERS,
  ['created', 'keyid', 'alg', 'expires', 'nonce', 'tag'],
  ['tag', 'nonce', 'expires', 'alg', 'keyid', 'created'],
  ['keyid', 'tag', 'created', 'nonce', 'alg'],
];

class Key {
  /** `[signing, verifying]` as this package takes them, and `[private, public]` as ours does. */
  constructor(algorithm, [signing, verifying], [ownPrivate, ownPublic]) {
    const ours = (key) => ({ algorithm, key: key.toString('base64') });
    Object.assign(this, { algorithm, signing, verifying, private: ours(ownPrivate), public: ours(ownPublic) });
  }

  static ed25519({ privateKey, publicKey } = generateKeyPairSync('ed25519')) {
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return new Key('ed25519', [privateKey, publicKey], [pkcs8, spki]);
  }

  static ofSeed(seed) {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
    return Key.ed25519({ privateKey, publicKey: createPublicKey(privateKey) });
  }

  static hmac(secret = randomBytes(32)) {
    return new Key('hmac-sha256', [secret, secret], [secret, secret]);
  }
}

const headers = (fields) => {
  const named = {};
  for (const [name, value] of fields) {
    named[name] = name in named ? [named[name], value].flat() : value;
  }
  return named;
};
const theirs = (message) => message && { ...message, headers: headers(message.fields) };
const added = (message, signed) => {
  const fields = Object.entries(signed.headers).filter(([name]) => /^signature(-input)?$/i.test(name));
  const others = message.fields.filter(([name]) => !/^signature(-input)?$/i.test(name));
  return { ...message, fields: [...others, ...fields] };
};
const withDigest = (message) => {
  if (!message.body) return message;
  const digest = createHash('sha256').update(message.body).digest('base64');
  return { ...message, fields: [...message.fields, ['Content-Digest', `sha-256=:${digest}:`]] };
};

async function signed(message, request, key, { covers, order, said, name }) {
  const signer = createSigner(key.signing, key.algorithm, said.keyid);
  const config = { key: signer, fields: covers, params: order, paramValues: said, name };
  return added(message, await httpbis.signMessage(config, theirs(message), theirs(request)));
}

module.exports = {
  BODY_COVERS,
  COVERS,
  Key,
  ORDERS,
  PARAMETERS,

  /** Signs a request by the profile. `said` are its parameters, `order` says which of them stand there, and how. */
  async sign(request, key, said, { order = PARAMETERS, also = [], covers, name } = {}) {
    const covered = covers ?? [...COVERS, ...(request.body ? BODY_COVERS : []), ...also];
    const config = { covers: covered, order, said: { tag: 'strongroom', ...said }, name };
    return signed(withDigest(request), undefined, key, config);
  },

  async signResponse(request, response, key, said, label) {
    const covers = ['@status', `"signature";req;key="${label}"`, ...(response.body ? BODY_COVERS : [])];
    const config = { covers, order: ['keyid', 'alg', 'created', 'tag'], said: { tag: 'strongroom', ...said } };
    return signed(withDigest(response), request, key, config);
  },

  /** Whether the package finds the signature good. It looks at the digest's field, not at the body. */
  async verifies(message, key, request) {
    const verify = createVerifier(key.verifying, key.algorithm);
    const config = {
      keyLookup: async ({ keyid }) => ({ id: keyid, algs: [key.algorithm], verify }),
      requiredParams: ['created', 'keyid', 'alg', 'tag', ...(request ? [] : ['nonce'])],
      requiredFields: request ? ['@status', 'signature'] : COVERS,
      tolerance: 60,
      all: true,
    };
    return httpbis.verifyMessage(config, theirs(message), theirs(request));
  },
};
