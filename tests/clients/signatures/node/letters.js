'use strict';

// Requests and answers as a caller has them before they are signed.

const { randomBytes } = require('node:crypto');
const { AUTHORITY } = require('./ours');

const JSON_TYPE = ['Content-Type', 'application/json'];
const now = () => Math.floor(Date.now() / 1000);

/** Where a request can be read in two ways. */
const requests = {
  'a body and a query': {
    method: 'POST',
    url: `https://${AUTHORITY}/v1/api-key?x=1&y=%20a+b`,
    fields: [JSON_TYPE],
    body: '{"nickname": "ключ 🔑"}',
  },
  'neither body nor query': { method: 'GET', url: `https://${AUTHORITY}/v1/api-key`, fields: [], body: '' },
  'an empty query': { method: 'DELETE', url: `https://${AUTHORITY}/v1/api-key/ABC?`, fields: [], body: '' },
  'an escaped path': { method: 'GET', url: `https://${AUTHORITY}/a%2Fb/%C3%A9;v=1`, fields: [], body: '' },
  'a port that is the own one': { method: 'GET', url: `https://${AUTHORITY}:443/`, fields: [], body: '' },
};

/** Parameters as ours names them; the nonce is new. */
const said = (expires) => ({
  key_id: 'EAYRMSXDOSWY',
  nonce: randomBytes(18).toString('base64url'),
  created: now(),
  expires,
});

/** The same as the package names them. */
const saidToTheirs = ({ key_id, nonce, created, expires }) => ({
  keyid: key_id,
  nonce,
  created: new Date(created * 1000),
  expires: expires && new Date(expires * 1000),
});

/** The request with one of its fields changed. */
function changed(message, name, change) {
  let found = false;
  const fields = message.fields.map(([field, value]) => {
    if (field.toLowerCase() !== name) return [field, value];
    found = true;
    return [field, change(value)];
  });
  if (!found) throw new Error(`there is no ${name} to change`);
  return { ...message, fields };
}

/** A value of base64 between colons with its first byte changed. */
const bent = (value) =>
  value.replace(/:([^:]+):/, (_, text) => {
    const bytes = Buffer.from(text, 'base64');
    bytes[0] ^= 1;
    return `:${bytes.toString('base64')}:`;
  });

module.exports = { JSON_TYPE, bent, changed, now, requests, said, saidToTheirs };
