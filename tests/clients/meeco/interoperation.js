'use strict';

// What every version of cryppo and `strongroom cryppo` must read of each other. A version comes as an object of
// functions over bytes; what it cannot do it says in `writes`, `reads` and `empty`.

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { after, before, describe, test } = require('node:test');
const { CommandLine } = require('./command-line');

/** Around the block size of the cipher, every byte there is, and text of each width in UTF-8. */
const VALUES = [
  ...[1, 15, 16, 17, 32, 44, 1000].map((length) => randomBytes(length)),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('plain \u00e9 \u9375 \u{1f511}\r\n'),
];

const FLAGS = { bson: [], yaml: ['--legacy'] };

const printed = (key) => key.toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** The string with one character of its field `at` exchanged for another of the alphabet. */
function changed(serialized, at) {
  const fields = serialized.split('.');
  fields[at] = (fields[at].startsWith('A') ? 'B' : 'A') + fields[at].slice(1);
  return fields.join('.');
}

function sameBytes(actual, expected) {
  assert.equal(Buffer.from(actual).toString('hex'), expected.toString('hex'));
}

/**
 * Defines the tests of one version:
 *   seal(key, plain, form), open(key, serialized): an `Aes256Gcm` string; `form` is `bson` or `yaml`
 *   sealRsa(publicKey, plain), openRsa(privateKey, serialized): an `Rsa` string
 *   sign(privateKey, data), verify(publicKey, serialized): a `Sign` string; verify gives the data, or null
 *   newKey(), keyPair(bits), keyOf(printed)
 *   writes, reads: forms; empty: what an empty value opens to
 *   signs: `bytes`, or `text` for a version that hashes something else than it shows, beyond ASCII
 */
function interoperate(name, cryppo) {
  describe(`cryppo ${name} and the command line`, () => {
    let commandLine;
    before(() => {
      commandLine = new CommandLine();
    });
    after(() => commandLine.close());

    test('print keys alike', () => {
      const text = commandLine.genkey();
      assert.equal(printed(Buffer.from(cryppo.keyOf(text))), text);
      assert.match(cryppo.newKey(), /^[A-Za-z0-9_-]{43}=$/);
    });

    for (const form of cryppo.reads) {
      test(`open here what was encrypted there, as ${form}`, async () => {
        const text = commandLine.genkey();
        for (const value of VALUES) {
          const serialized = commandLine.encrypt(text, value, ...FLAGS[form]);
          sameBytes(await cryppo.open(cryppo.keyOf(text), serialized), value);
        }
        const nothing = await cryppo.open(cryppo.keyOf(text), commandLine.encrypt(text, '', ...FLAGS[form]));
        assert.deepEqual(nothing, cryppo.empty);
      });
    }

    for (const form of cryppo.writes) {
      test(`open there what was encrypted here, as ${form}`, async () => {
        const text = cryppo.newKey();
        for (const value of VALUES) {
          const serialized = await cryppo.seal(cryppo.keyOf(text), value, form);
          sameBytes(commandLine.decrypt(text, serialized), value);
        }
      });
    }

    if (!cryppo.reads.includes('bson')) {
      test('need the older form from there', async () => {
        const text = commandLine.genkey();
        await assert.rejects(async () => cryppo.open(cryppo.keyOf(text), commandLine.encrypt(text, 'value')));
      });
    }

    test('wrap keys alike', async () => {
      const [kek, dek, form] = [cryppo.newKey(), cryppo.newKey(), cryppo.writes[0]];
      const wrapped = await cryppo.seal(cryppo.keyOf(kek), Buffer.from(cryppo.keyOf(dek)), form);
      assert.equal(commandLine.decrypt(kek, wrapped, '--as-key').toString(), `${dek}\n`);
      const wrappedThere = commandLine.encrypt(kek, dek, '--as-key', ...FLAGS[cryppo.reads[0]]);
      sameBytes(await cryppo.open(cryppo.keyOf(kek), wrappedThere), Buffer.from(cryppo.keyOf(dek)));
      // The text of a key is not a key.
      const text = await cryppo.seal(cryppo.keyOf(kek), Buffer.from(dek), form);
      assert.throws(() => commandLine.decrypt(kek, text, '--as-key'), /unexpected_key_length/);
    });

    test('refuse strings that were changed', async () => {
      const text = commandLine.genkey();
      for (const at of [1, 2]) {
        const here = changed(await cryppo.seal(cryppo.keyOf(text), Buffer.from('value'), cryppo.writes[0]), at);
        assert.throws(() => commandLine.decrypt(text, here), /error: /);
      }
      const there = commandLine.encrypt(text, 'value', ...FLAGS[cryppo.reads[0]]);
      await assert.rejects(async () => cryppo.open(cryppo.keyOf(text), changed(there, 1)));
      const other = cryppo.keyOf(commandLine.genkey());
      await assert.rejects(async () => cryppo.open(other, there));
    });

    test('share key pairs, whoever made them', async () => {
      for (const pair of [commandLine.genkeypair(4096), await cryppo.keyPair(2048)]) {
        // A session, which is what the vault hands over in this way.
        const session = `${printed(randomBytes(32))}.${printed(randomBytes(32))}`;
        const there = commandLine.encryptRsa(pair.publicKey, session);
        sameBytes(await cryppo.openRsa(pair.privateKey, there), Buffer.from(session));
        const here = await cryppo.sealRsa(pair.publicKey, Buffer.from(session));
        sameBytes(commandLine.decryptRsa(pair.privateKey, here), Buffer.from(session));

        const data = Buffer.from('what is signed');
        sameBytes(await cryppo.verify(pair.publicKey, commandLine.sign(pair.privateKey, data)), data);
        const signed = await cryppo.sign(pair.privateKey, data);
        sameBytes(commandLine.verify(pair.publicKey, signed), data);
        assert.equal(commandLine.sign(pair.privateKey, data), signed);
        assert.throws(() => commandLine.verify(pair.publicKey, changed(signed, 3)), /does not verify/);

        const beyond = Buffer.from('beyond ASCII \u00e9');
        const signedThere = await cryppo.verify(pair.publicKey, commandLine.sign(pair.privateKey, beyond));
        const signedHere = await cryppo.sign(pair.privateKey, beyond);
        if (cryppo.signs === 'bytes') {
          sameBytes(signedThere, beyond);
          sameBytes(commandLine.verify(pair.publicKey, signedHere), beyond);
        } else {
          assert.equal(signedThere, null);
          assert.throws(() => commandLine.verify(pair.publicKey, signedHere), /does not verify/);
        }

        // The account's private key is stored as its PEM, wrapped.
        const [kek, pem] = [commandLine.genkey(), Buffer.from(pair.privateKey)];
        const wrapped = commandLine.encrypt(kek, pem, ...FLAGS[cryppo.reads[0]]);
        sameBytes(await cryppo.open(cryppo.keyOf(kek), wrapped), pem);
        const wrappedHere = await cryppo.seal(cryppo.keyOf(kek), pem, cryppo.writes[0]);
        sameBytes(commandLine.decrypt(kek, wrappedHere), pem);
      }
    });
  });
}

module.exports = { interoperate };
