'use strict';

// The published packages put together as their documentation says, for users that nobody has seen before.

const { randomUUID } = require('node:crypto');
const { initCrypto, VirgilAccessTokenSigner, VirgilCrypto } = require('virgil-crypto');
const { GeneratorJwtProvider, JwtGenerator } = require('virgil-sdk');
const {
  CloudGroupTicketStorage,
  CloudKeyStorage,
  KeyknoxClient,
  KeyknoxCrypto,
  KeyknoxManager,
  SyncKeyStorage,
} = require('@virgilsecurity/keyknox');
const settings = require('../settings');

let crypto;

/** To be awaited before anything else. */
async function ready() {
  await initCrypto();
  crypto = new VirgilCrypto();
}

function tokens(identity, { millisecondsToLive, keyId = settings.keyId, applicationData } = {}) {
  const generator = new JwtGenerator({
    appId: settings.applicationId,
    apiKeyId: keyId,
    apiKey: crypto.importPrivateKey({ value: settings.applicationKey, encoding: 'base64' }),
    accessTokenSigner: new VirgilAccessTokenSigner(crypto),
    millisecondsToLive,
  });
  return new GeneratorJwtProvider(generator, applicationData, identity);
}

/** A user with a key pair; `identity` is fresh unless given. */
class User {
  constructor(identity = `user-${randomUUID()}`, keyPair = crypto.generateKeys()) {
    this.identity = identity;
    this.keyPair = keyPair;
  }

  client(options) {
    return new KeyknoxClient(tokens(this.identity, options), settings.url);
  }

  manager() {
    return new KeyknoxManager(new KeyknoxCrypto(crypto), this.client());
  }

  /** One device's view of the cloud. */
  device(publicKeys = this.keyPair.publicKey, privateKey = this.keyPair.privateKey) {
    return new CloudKeyStorage(this.manager(), privateKey, publicKeys);
  }

  synchronised(storage) {
    return new SyncKeyStorage(this.identity, this.device(), storage);
  }

  tickets() {
    return new CloudGroupTicketStorage({
      keyknoxManager: this.manager(),
      identity: this.identity,
      privateKey: this.keyPair.privateKey,
      publicKey: this.keyPair.publicKey,
    });
  }

  /** What other users know of this one. */
  card() {
    return { identity: this.identity, publicKey: this.keyPair.publicKey };
  }
}

/** The user whose record both generations of clients read. */
function sharedUser() {
  const privateKey = crypto.importPrivateKey({ value: settings.sharedKey, encoding: 'base64' });
  const publicKey = crypto.extractPublicKey(privateKey);
  return new User(`shared-${settings.run}`, { privateKey, publicKey });
}

const base64 = (text) => Buffer.from(text).toString('base64');

module.exports = { base64, ready, sharedUser, User };
