// A server that is killed between a guess and its answer gives no guess back, and none that gets an old store back does
// (THREATS A-SHR-10, A-SHR-11).

import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { User, token } from '../client.js';
import { Realm } from '../realms.js';

/** A request that guesses has this many bytes, and no other has. */
const GUESS_BYTES = 89;

const ROUNDS = 12;

let realms;
const fetched = globalThis.fetch;

before(async () => {
  realms = await Promise.all([Realm.start(), Realm.start(), Realm.start()]);
});

after(async () => {
  globalThis.fetch = fetched;
  await Promise.all(realms.map((realm) => realm.remove()));
});

test('no guess is given back by a server that is killed before it answers', async () => {
  const doomed = realms[0];
  const user = new User('bob', realms, { recover: 3 });
  await user.register('1234', 'the secret', 20);
  const seen = { sent: 0, answered: 0, lost: 0 };
  let kill;
  globalThis.fetch = async (request, options) => {
    const url = request.url ?? String(request);
    if (!url.startsWith(doomed.address) || request.method !== 'POST') {
      return fetched(request, options);
    }
    const body = await request.clone().arrayBuffer();
    if (body.byteLength !== GUESS_BYTES) {
      return fetched(request, options);
    }
    seen.sent += 1;
    kill?.();
    const answer = await fetched(request, options);
    seen.answered += answer.ok ? 1 : 0;
    return answer;
  };
  let before = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    let killing = Promise.resolve();
    kill = () => {
      kill = undefined;
      killing = new Promise((resolve) => setTimeout(resolve, round)).then(() => doomed.end());
    };
    const answered = seen.answered;
    await user.refusal('0').catch(() => undefined);
    await killing;
    seen.lost += seen.answered === answered ? 1 : 0;
    await doomed.run();
    const { guesses_used: used } = await doomed.status(token(doomed.id, 'bob'));
    assert.ok(used >= before, `round ${round}: ${used} guesses are used after ${before}`);
    assert.ok(used >= seen.answered && used <= seen.sent, JSON.stringify({ round, used, seen }));
    before = used;
  }
  assert.ok(seen.lost > 0, 'no answer was lost, so nothing was tested');
  kill = undefined;
  assert.equal(await user.recover('1234'), 'the secret');
  assert.equal((await doomed.status(token(doomed.id, 'bob'))).guesses_used, 0);
});

test('a data folder that is put back leaves one guess', async () => {
  const [realm] = realms;
  const user = new User('carol', [realm], { recover: 1 });
  await user.register('1234', 'the secret', 5);
  const [data, copy] = [join(realm.folder, 'data'), join(realm.folder, 'copy')];
  await realm.end('SIGTERM');
  cpSync(data, copy, { recursive: true });
  await realm.run();
  assert.equal((await realm.status(token(realm.id, 'carol'))).restored, false, 'to start again is not to restore');
  assert.equal((await user.refusal('0')).left, 4);
  await realm.end('SIGTERM');
  rmSync(data, { recursive: true });
  cpSync(copy, data, { recursive: true });
  await realm.run();
  const status = await realm.status(token(realm.id, 'carol'));
  assert.deepEqual([status.guesses_used, status.guesses_allowed, status.restored], [4, 5, true]);
  assert.equal((await user.refusal('0')).left, 0);
  assert.equal((await user.refusal('1234')).left, 0);
  assert.equal((await realm.status(token(realm.id, 'carol'))).no_guesses, true);
});
