'use strict';

// The life of an account as every generation of clients must be able to live it: made, signed in to, filled, changed,
// signed out of. What it leaves behind, the other generations sign in to: `others.js`. A client comes as an object of the
// functions in `sdk.js`.

const assert = require('node:assert/strict');
const { before, describe, test } = require('node:test');
const { leave } = require('./users');

const PASSPHRASE = 'correct horse battery st\u00e4ple';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A response that a client threw because of its status. */
const refusedWith =
  (...statuses) =>
  (error) => {
    assert.ok(statuses.includes(error.status), `${error.status ?? error.stack}`);
    return true;
  };

const slot = (label, value) => ({ label, slot_type_name: 'key_value', value });
const valueOf = (item, label) => item.slots.find((slot) => slot.label === label)?.value;

function live(generation, client) {
  describe(`${generation} lives the life of an account`, () => {
    let secret;
    let auth;

    // The rest of the tests have nothing to say without it.
    before(async () => {
      secret = await client.newSecret();
      auth = await client.create(PASSPHRASE, secret);
    });

    test('both services say their version', async () => {
      const [keystore, vault] = await client.versions();
      assert.deepEqual([keystore.component.name, vault.component.name], ['keystore', 'vault']);
      assert.match(keystore.component.api_version, /^2\./);
    });

    test('user names are new, and the account that was made can be used at once', async () => {
      const [version, username] = secret.split('.');
      assert.equal(version, '1');
      assert.match(username, /^[A-Za-z0-9]{11,}$/);
      assert.notEqual((await client.newSecret()).split('.')[1], username);
      const user = await client.me(auth);
      assert.match(user.id, UUID);
      assert.match(user.private_dek_external_id ?? user.private_encryption_space_id, UUID);
      // Older clients have no way to ask this.
      const session = await client.validity?.(auth);
      assert.ok(session === undefined || new Date(session.valid_till) > new Date());
    });

    test('signing in gives the same keys and other sessions', async () => {
      const again = await client.login(PASSPHRASE, secret);
      assert.equal(client.keyOf(again), client.keyOf(auth));
      assert.notEqual(again.vault_access_token, auth.vault_access_token);
      assert.notEqual(again.keystore_access_token, auth.keystore_access_token);
      assert.equal((await client.me(again)).id, (await client.me(auth)).id);
      const pair = await client.keyPair(again);
      assert.match(pair.public_key, /^-----BEGIN PUBLIC KEY-----\r\n/);
    });

    test('a wrong passphrase and a user that does not exist are one failure', async () => {
      await assert.rejects(client.login(`${PASSPHRASE} `, secret), client.loginFailed);
      const [version, , key] = secret.split('.');
      await assert.rejects(client.login(PASSPHRASE, `${version}.nobodyAtAll.${key}`), client.loginFailed);
      // Neither keeps the owner out.
      await client.login(PASSPHRASE, secret);
    });

    test('making the account again is refused and harms nothing', async () => {
      await assert.rejects(client.create(PASSPHRASE, secret), refusedWith(409));
      assert.equal(client.keyOf(await client.login(PASSPHRASE, secret)), client.keyOf(auth));
    });

    test('signing out ends both sessions and no others', async () => {
      const [leaving, staying] = [await client.login(PASSPHRASE, secret), auth];
      await client.logout(leaving);
      await assert.rejects(client.me(leaving), refusedWith(401));
      await assert.rejects(client.keyEncryptionKey(leaving), refusedWith(401));
      await client.me(staying);
      await client.keyEncryptionKey(staying);
    });

    test('the session of one service is not one of the other', async () => {
      const swapped = {
        ...auth,
        vault_access_token: auth.keystore_access_token,
        keystore_access_token: auth.vault_access_token,
      };
      await assert.rejects(client.me(swapped), refusedWith(401));
      await assert.rejects(client.keyEncryptionKey(swapped), refusedWith(401));
      const without = { ...auth, vault_access_token: '', keystore_access_token: '' };
      await assert.rejects(client.me(without), refusedWith(401));
    });

    test('an item is made, read, listed, changed, and loses a slot and its life', async () => {
      const label = 'Zo\u00eb\u2019s \u260e';
      const slots = [slot('Make', 'Subaru'), slot('Model Type', 'x'), slot('Empty', '')];
      const id = await client.createItem(auth, 'custom', label, slots);
      assert.match(id, UUID);
      const made = await client.get(auth, id);
      assert.equal(made.item.label, label);
      assert.equal(valueOf(made, 'Make'), 'Subaru');
      assert.deepEqual(made.slots.map(({ name }) => name).sort(), ['empty', 'make', 'model_type']);
      assert.ok(!valueOf(made, 'Empty'));
      for (const { encrypted_value: stored } of made.slots) {
        assert.ok(!stored?.includes('Subaru'));
      }

      const listed = await client.list(auth);
      assert.ok(listed.items.some((item) => item.id === id && item.label === label));
      assert.equal(listed.slots.filter((slot) => (slot.item_id ?? slot.slotable_id) === id).length, 3);

      await client.update(auth, id, 'renamed', [{ ...slot('Make', 'Mazda'), name: 'make' }, slot('Colour', 'red')]);
      const changed = await client.get(auth, id);
      assert.equal(changed.item.label, 'renamed');
      assert.deepEqual(
        changed.slots.map(({ label, value }) => [label, value || '']).sort(),
        [['Colour', 'red'], ['Empty', ''], ['Make', 'Mazda'], ['Model Type', 'x']],
      );

      await client.removeSlot(auth, changed.slots.find(({ name }) => name === 'model_type').id);
      assert.equal((await client.get(auth, id)).slots.length, 3);
      const empty = changed.slots.find(({ name }) => name === 'empty');
      await client.update(auth, id, 'renamed', [{ id: empty.id, _destroy: true }]);
      assert.deepEqual((await client.get(auth, id)).slots.map(({ label }) => label).sort(), ['Colour', 'Make']);
      await client.removeItem(auth, id);
      await assert.rejects(client.get(auth, id), refusedWith(404));
      await assert.rejects(client.removeItem(auth, id), refusedWith(404));
    });

    test('an item of a template has the slots of the template', async () => {
      const names = (await client.templates(auth)).map(({ name }) => name);
      for (const name of ['custom', 'password', 'vehicle']) {
        assert.ok(names.includes(name), `${name} is not among ${names}`);
      }
      const id = await client.createItem(auth, 'password', 'of a template', [slot('Added', 'by the client')]);
      const { slots } = await client.get(auth, id);
      assert.ok(slots.length > 1);
      assert.equal(slots.find(({ label }) => label === 'Added').value, 'by the client');
      const missing = client.createItem(auth, 'no such template', 'x', []);
      await assert.rejects(missing, refusedWith(404));
      await client.removeItem(auth, id);
    });

    test('what belongs to somebody else is not there', async () => {
      const id = await client.createItem(auth, 'custom', 'mine', [slot('a', 'b')]);
      const stranger = await client.create(PASSPHRASE, await client.newSecret());
      await assert.rejects(client.get(stranger, id), refusedWith(404));
      await assert.rejects(client.update(stranger, id, 'theirs', []), refusedWith(404));
      await assert.rejects(client.removeItem(stranger, id), refusedWith(404));
      const { slots } = await client.get(auth, id);
      await assert.rejects(client.removeSlot(stranger, slots[0].id), refusedWith(404));
      assert.deepEqual((await client.list(stranger)).items, []);
      assert.equal((await client.get(auth, id)).item.label, 'mine');
      await client.removeItem(auth, id);
    });

    // SDK 0.0.11 asks for one page only.
    if (client.page) {
      test('a list comes in pages, each item once', async () => {
        const made = [];
        for (const number of [1, 2, 3]) {
          made.push(await client.createItem(auth, 'custom', `page ${number}`, []));
        }
        const seen = [];
        let after;
        do {
          const page = await client.page(auth, after, 2);
          assert.ok(page.items.length <= 2);
          seen.push(...page.items.map(({ id }) => id));
          after = page.next_page_after ?? undefined;
          assert.ok(seen.length <= 100, 'the pages do not end');
        } while (after !== undefined);
        assert.deepEqual(seen.filter((id) => made.includes(id)).sort(), made.sort());
        assert.equal(new Set(seen).size, seen.length);
        for (const id of made) {
          await client.removeItem(auth, id);
        }
      });
    }

    test('an account is left for the other generations', async () => {
      const own = { generation, secret, passphrase: PASSPHRASE, key: client.keyOf(auth), label: `of ${generation}` };
      own.item = await client.createItem(auth, 'custom', own.label, [slot('Greeting', `hello from ${generation}`)]);
      leave(own);
    });
  });
}

module.exports = { live, slot, valueOf };
