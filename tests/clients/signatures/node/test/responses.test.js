'use strict';

// Answers that are signed and bound to the request that they answer.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { JSON_TYPE, bent, changed, now, requests, said, saidToTheirs } = require('../letters');
const ours = require('../ours');
const theirs = require('../theirs');

const { Key } = theirs;
const RESPONSES = [
  { status: 201, fields: [JSON_TYPE], body: '{"success":true}' },
  { status: 204, fields: [], body: '' },
];
const request = requests['a body and a query'];
const client = Key.hmac();
const about = () => ({ key_id: 'server', created: now() });

for (const server of [Key.ed25519(), Key.hmac()]) {
  for (const response of RESPONSES) {
    test(`${server.algorithm}: each side checks an answer ${response.status} of the other`, async () => {
      const asked = await theirs.sign(request, client, saidToTheirs(said()), { name: 'mine' });
      const answered = ours.signResponse(asked, response, 'mine', server, about());
      assert.equal(await theirs.verifies(answered, server, asked), true);

      const askedByOurs = ours.sign(request, client, said());
      const theirAnswer = await theirs.signResponse(askedByOurs, response, server, { keyid: 'server' }, 'sig');
      assert.deepEqual(ours.checkResponse(askedByOurs, theirAnswer, 'sig', server, now()), { accepted: {} });
    });
  }

  test(`${server.algorithm}: an answer is to one request, by one server, as it was signed`, async () => {
    const asked = ours.sign(request, client, said());
    const another = ours.sign(request, client, said());
    const [response] = RESPONSES;
    const answers = [
      ours.signResponse(asked, response, 'sig', server, about()),
      await theirs.signResponse(asked, response, server, { keyid: 'server' }, 'sig'),
    ];
    const changes = {
      'of another status': (answer) => [asked, { ...answer, status: 200 }],
      'of another type': (answer) => [asked, changed(answer, 'content-type', () => 'text/plain')],
      'of another digest': (answer) => [asked, changed(answer, 'content-digest', bent)],
      'with a bent signature': (answer) => [asked, changed(answer, 'signature', bent)],
      'to another request': (answer) => [another, answer],
    };
    for (const answer of answers) {
      for (const [what, change] of Object.entries(changes)) {
        const [sent, met] = change(answer);
        const refused = { refused: 'signature does not verify' };
        assert.deepEqual(ours.checkResponse(sent, met, 'sig', server, now()), refused, what);
        assert.equal(await theirs.verifies(met, server, sent), false, what);
      }
      const body = ours.checkResponse(asked, { ...answer, body: '{}' }, 'sig', server, now());
      assert.deepEqual(body, { refused: 'content digest does not match the body' });
    }
  });
}
