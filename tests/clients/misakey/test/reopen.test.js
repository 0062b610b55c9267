'use strict';

// A browser's life: set up, leave, reopen without the password, change the password, and be asked for it.

const assert = require('node:assert/strict');
const { randomBytes, randomUUID } = require('node:crypto');
const { test } = require('node:test');
const client = require('../client.js');
const { misakey: vectors } = require('../../../vectors/misakey.json');

test('what is computed here is what the vendor computed', async () => {
  const { root_key_split: split, encrypted_root_key: sealed, password_key: key, secret_under_root_key: secret } = vectors;
  assert.equal(Buffer.from(await client.argon(key.password, key.salt_hex)).toString('hex'), key.key_hex);
  const [local, remote] = [split.local_share, split.upload.share].map(client.bytesOf);
  assert.equal(client.b64u(client.xor(local, remote)), split.recombined);
  assert.equal(client.b64u(client.openSecret(secret.encrypted, client.bytesOf(secret.root_key))), secret.secret);
  assert.equal(client.hashOf(client.bytesOf(split.local_share)), split.upload.user_local_share_hash);
  const root = await client.openRootKey(sealed.encrypted, sealed.password);
  assert.equal(client.b64u(root), sealed.root_key);
  const nonce = new Uint8Array(Buffer.from(sealed.nonce_hex, 'hex'));
  assert.equal(await client.sealRootKey(root, sealed.password, sealed.salt_hex, nonce), sealed.encrypted);
});

test('a browser reopens from two halves until the password is another', async () => {
  const [identity, account] = [randomUUID(), randomUUID()];
  const token = () => client.issueToken('--identity', identity, '--account', account, '--acr', '2');
  const [browser, left] = [new client.Browser(token()), new client.Browser(token())];
  const [rootKey, vaultKey] = [randomBytes(32), randomBytes(32)].map((bytes) => new Uint8Array(bytes));
  const publicKey = () => client.b64u(randomBytes(32));

  const keyHash = client.hashOf(rootKey);
  const setUp = {
    account_root_key: { key_hash: keyHash, encrypted_key: await client.sealRootKey(rootKey, 'first password') },
    vault_key: { key_hash: keyHash, encrypted_key: client.sealSecret(vaultKey, rootKey) },
    asym_keys: {},
    box_key_shares: {},
    pubkey: publicKey(),
    non_identified_pubkey: publicKey(),
  };
  assert.equal((await browser.send('GET', '/crypto/secret-storage')).status, 409);
  assert.equal((await browser.send('POST', '/crypto/migration/v2', setUp)).status, 204);

  // Both open with the password once, and keep a half each.
  for (const one of [browser, left]) {
    const { body } = await one.send('GET', '/crypto/secret-storage');
    const opened = await client.openRootKey(body.account_root_key.encrypted_key, 'first password');
    assert.deepEqual(opened, rootKey);
    assert.equal((await one.keepHalf(opened, account)).status, 201);
  }
  for (const one of [browser, left]) {
    const reopened = await one.reopen();
    assert.deepEqual(reopened, rootKey);
    const { body } = await one.send('GET', '/crypto/secret-storage');
    assert.deepEqual(client.openSecret(body.vault_key.encrypted_key, reopened), vaultKey);
  }
  // A stolen half is nothing to another account.
  const thief = new client.Browser(client.issueToken('--identity', randomUUID(), '--account', randomUUID()));
  thief.localShare = left.localShare;
  assert.equal(await thief.reopen(), null);

  const salt = randomBytes(16);
  const change = async (old, password) =>
    browser.send('PUT', `/accounts/${account}/password`, {
      old_prehashed_password: await client.prehash(old, salt),
      new_prehashed_password: await client.prehash(password, salt),
      encrypted_account_root_key: await client.sealRootKey(rootKey, password),
    });
  assert.equal((await change('first password', 'first password')).status, 204);
  assert.equal((await browser.keepHalf(rootKey, account)).status, 201);
  const wrong = await change('not the password', 'second password');
  assert.deepEqual([wrong.status, wrong.body.details], [403, { old_password: 'invalid' }]);
  assert.deepEqual(await browser.reopen(), rootKey);
  assert.equal((await change('first password', 'second password')).status, 204);
  assert.equal(await browser.reopen(), null);
  assert.equal(await left.reopen(), null);

  // The browser that was left behind is signed out, and its half is nothing to the session that comes after.
  assert.equal((await left.send('GET', '/crypto/secret-storage')).status, 401);
  left.cookies.accesstoken = token();
  assert.equal(await left.reopen(), null);
  const { body } = await left.send('GET', '/crypto/secret-storage');
  const sealed = body.account_root_key.encrypted_key;
  assert.equal(await client.openRootKey(sealed, 'first password'), null);
  assert.deepEqual(await client.openRootKey(sealed, 'second password'), rootKey);
});
