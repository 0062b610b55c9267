'use strict';

// The version of 2023 takes and gives bytes, and has a type for keys.

const cryppo = require('@meeco/cryppo');
const { interoperate } = require('../../interoperation');

const strategy = cryppo.CipherStrategy.AES_GCM;
const formats = { bson: 'latest_version', yaml: 'legacy' };
const keyOf = (bytes) => cryppo.EncryptionKey.fromBytes(new Uint8Array(bytes));

interoperate('2.0.2', {
  writes: ['bson', 'yaml'],
  reads: ['bson', 'yaml'],
  empty: null,
  signs: 'bytes',
  newKey: () => cryppo.EncryptionKey.generateRandom().serialize,
  keyOf: (printed) => Buffer.from(cryppo.EncryptionKey.fromSerialized(printed).bytes),
  keyPair: (bits) => cryppo.generateRSAKeyPair(bits),

  async seal(key, plain, form) {
    const options = { key: keyOf(key), data: new Uint8Array(plain), strategy };
    return (await cryppo.encryptWithKey(options, formats[form])).serialized;
  },
  open: (key, serialized) => cryppo.decryptWithKey({ key: keyOf(key), serialized }),
  async sealRsa(publicKeyPem, plain) {
    return (await cryppo.encryptWithPublicKey({ publicKeyPem, data: plain.toString('latin1') })).serialized;
  },
  async openRsa(privateKeyPem, serialized) {
    return Buffer.from(await cryppo.decryptSerializedWithPrivateKey({ privateKeyPem, serialized }), 'latin1');
  },
  sign: (privateKey, data) => cryppo.signWithPrivateKey(privateKey, new Uint8Array(data)).serialized,
  verify(publicKey, serialized) {
    const signature = cryppo.loadRsaSignature(serialized);
    return cryppo.verifyWithPublicKey(publicKey, signature) ? signature.data : null;
  },
});
