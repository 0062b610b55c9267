'use strict';

// The accounts that the other generations made: signed in to with their Secret Key and passphrase, read and added to.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { slot, valueOf } = require('./account');
const { left } = require('./users');

function visit(generation, client) {
  describe(`${generation} uses the accounts of the others`, () => {
    const accounts = left();

    test('there are accounts of all generations', () => {
      assert.deepEqual(accounts.map((account) => account.generation), ['api-2023', 'sdk-11', 'sdk-13']);
    });

    for (const account of accounts) {
      test(`that of ${account.generation}`, async () => {
        const auth = await client.login(account.passphrase, account.secret);
        assert.equal(client.keyOf(auth), account.key);
        const item = await client.get(auth, account.item);
        assert.equal(item.item.label, account.label);
        assert.equal(valueOf(item, 'Greeting'), `hello from ${account.generation}`);
        const name = `from_${generation.replace('-', '_')}`;
        await client.update(auth, account.item, account.label, [{ ...slot(`From ${generation}`, 'hello'), name }]);
        const again = await client.get(auth, account.item);
        assert.equal(valueOf(again, `From ${generation}`), 'hello');
        assert.equal(valueOf(again, 'Greeting'), `hello from ${account.generation}`);
        await client.logout(auth);
      });
    }
  });
}

module.exports = { visit };
