'use strict';

// Versions of cryppo up to 0.9, which take and give bytes as text with one character for each.

const text = (bytes) => Buffer.from(bytes).toString('latin1');
const bytes = (text) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text);

/** The functions of `interoperation.js` over a version's own; the other fields say what it can do. */
function ofBinaryStrings(cryppo, abilities) {
  const strategy = cryppo.CipherStrategy.AES_GCM;
  // 0.9 names the functions for bytes so; before there was only one kind.
  const encryptWithKey = cryppo.encryptBinaryWithKey ?? cryppo.encryptWithKey;
  const decryptWithKey = cryppo.decryptBinaryWithKey ?? cryppo.decryptWithKey;
  const formats = { bson: 'latest_version', yaml: 'legacy' };
  return {
    ...abilities,
    newKey: () => cryppo.encodeSafe64(cryppo.generateRandomKey(32)),
    keyOf: (printed) => bytes(cryppo.decodeSafe64(printed)),
    keyPair: (bits) => cryppo.generateRSAKeyPair(bits),

    async seal(key, plain, form) {
      const options = { key: text(key), data: text(plain), strategy };
      return (await encryptWithKey(options, formats[form])).serialized;
    },
    async open(key, serialized) {
      return bytes(await decryptWithKey({ key: text(key), serialized }));
    },
    async sealRsa(publicKeyPem, plain) {
      return (await cryppo.encryptWithPublicKey({ publicKeyPem, data: text(plain) })).serialized;
    },
    async openRsa(privateKeyPem, serialized) {
      return bytes(await cryppo.decryptSerializedWithPrivateKey({ privateKeyPem, serialized }));
    },
    ...(cryppo.signStringWithPrivateKey ? ofTexts(cryppo) : ofLowBytes(cryppo)),
  };
}

/** Signatures since 0.9. Its functions for bytes hash something else when they sign than when they verify. */
const ofTexts = (cryppo) => ({
  sign: (privateKey, data) => cryppo.signStringWithPrivateKey(privateKey, data.toString()).serialized,
  verify(publicKey, serialized) {
    const signature = cryppo.loadStringRsaSignature(serialized);
    return cryppo.verifyStringWithPublicKey(publicKey, signature) ? Buffer.from(signature.data) : null;
  },
});

/** Signatures before: what is hashed is the UTF-8 of the text whose low bytes the string carries. */
const ofLowBytes = (cryppo) => ({
  sign: (privateKey, data) => cryppo.signWithPrivateKey(privateKey, text(data)).serialized,
  verify(publicKey, serialized) {
    const signature = cryppo.loadRsaSignature(serialized);
    return cryppo.verifyWithPublicKey(publicKey, signature) ? bytes(signature.data) : null;
  },
});

module.exports = { ofBinaryStrings };
