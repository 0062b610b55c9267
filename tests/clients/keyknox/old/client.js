'use strict';

// The published packages put together as their documentation says, for users that nobody has seen before.
//
// virgil-crypto 3.2.6 comes with a native part for Node.js that its publisher built for releases up to 11 only. Its
// browser build has none, and its own package.json says which file that is; here the package's name leads there, as it
// does in a bundler. No file of any package is changed.

const { randomUUID } = require('node:crypto');
const Module = require('node:module');

const resolve = Module._resolveFilename;
Module._resolveFilename = function resolveBrowserBuild(request, ...rest) {
  const file = request === 'virgil-crypto' ? 'virgil-crypto/dist/virgil-crypto.browser.cjs.js' : request;
  return resolve.call(this, file, ...rest);
};

const { VirgilAccessTokenSigner, VirgilCrypto } = require('virgil-crypto');
const { GeneratorJwtProvider, JwtGenerator } = require('virgil-sdk');
const { CloudKeyStorage, KeyknoxClient, KeyknoxManager, SyncKeyStorage } = require('@virgilsecurity/keyknox');
const settings = require('../settings');

const crypto = new VirgilCrypto();

function tokens(identity, millisecondsToLive) {
  const generator = new JwtGenerator({
    appId: settings.applicationId,
    apiKeyId: settings.keyId,
    apiKey: crypto.importPrivateKey(settings.applicationKey),
    accessTokenSigner: new VirgilAccessTokenSigner(crypto),
    millisecondsToLive,
  });
  return new GeneratorJwtProvider(generator, undefined, identity);
}

/** A user with a key pair; `identity` is fresh unless given. */
class User {
  constructor(identity = `user-${randomUUID()}`, keyPair = crypto.generateKeys()) {
    this.identity = identity;
    this.keyPair = keyPair;
  }

  manager({ publicKeys = this.keyPair.publicKey, privateKey = this.keyPair.privateKey, millisecondsToLive } = {}) {
    const client = new KeyknoxClient(settings.url);
    return new KeyknoxManager(tokens(this.identity, millisecondsToLive), privateKey, publicKeys, client);
  }

  /** One device's view of the cloud. */
  device(keys) {
    return new CloudKeyStorage(this.manager(keys));
  }

  synchronised(storage) {
    return new SyncKeyStorage(this.identity, this.device(), storage);
  }
}

/** The user whose record both generations of clients read. */
function sharedUser() {
  const privateKey = crypto.importPrivateKey(settings.sharedKey);
  const publicKey = crypto.extractPublicKey(privateKey);
  return new User(`shared-${settings.run}`, { privateKey, publicKey });
}

module.exports = { sharedUser, tokens, User };
