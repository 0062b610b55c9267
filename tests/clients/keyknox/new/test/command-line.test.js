'use strict';

// What `strongroom keys` stores this client reads, and the other way round.

const assert = require('node:assert/strict');
const { before, test } = require('node:test');
const { CommandLine } = require('../../command-line');
const settings = require('../../settings');
const { base64, ready, sharedUser, User } = require('../client');

before(ready);

test('the command line and this client read each other\'s keys', async () => {
  const user = new User(undefined, sharedUser().keyPair);
  const terminal = new CommandLine(user.identity, settings.sharedKey);
  try {
    // Written there, read here.
    const bytes = Buffer.from([0, 255, 10, 13]);
    terminal.put('zo\u00e9', bytes, '--note', 'from=terminal');
    const device = user.device();
    await device.retrieveCloudEntries();
    const entry = device.retrieveEntry('zo\u00e9');
    assert.equal(entry.data, bytes.toString('base64'));
    assert.deepEqual(entry.meta, { from: 'terminal' });
    assert.ok(entry.creationDate instanceof Date && entry.creationDate <= new Date());

    // Written here over what was written there, read there.
    await device.storeEntry('\u00fc', base64('of the device'), { from: 'device' });
    assert.deepEqual(terminal.names(), ['zo\u00e9', '\u00fc']);
    assert.equal(terminal.get('\u00fc').toString(), 'of the device');
    assert.deepEqual(terminal.get('zo\u00e9'), bytes);

    // The device's hash is stale now, which it learns and mends as it always does.
    terminal.put('zo\u00e9', 'changed', '--replace');
    await assert.rejects(device.storeEntry('late', base64('of the device')));
    await device.retrieveCloudEntries();
    await device.deleteEntry('\u00fc');
    assert.deepEqual(terminal.names(), ['zo\u00e9']);

    // Anybody with a token can empty a record, so the terminal asks its user.
    await device.deleteAllEntries();
    assert.throws(() => terminal.names(), /--follow-reset/);
    terminal.run(['sync', '--follow-reset']);
    assert.deepEqual(terminal.names(), []);
  } finally {
    terminal.close();
  }
});
