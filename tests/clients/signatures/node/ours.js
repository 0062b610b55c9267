'use strict';

// Strongroom's side of every exchange: the example `http_signatures` of tests/kit, which says what its tasks are.

const { execFileSync } = require('node:child_process');

/** Gives one task and returns its answer. */
function ask(task) {
  const program = process.env.STRONGROOM_SIGNATURES;
  if (!program) {
    throw new Error('STRONGROOM_SIGNATURES is not set; tests/clients/run sets it');
  }
  return JSON.parse(execFileSync(program, { input: JSON.stringify(task) }));
}

module.exports = {
  AUTHORITY: 'keys.example',

  sign(request, key, parameters, also = []) {
    return ask({ sign: { request, key: key.private, parameters, also } });
  },

  verify(request, key, now, authorities = [module.exports.AUTHORITY]) {
    return ask({ verify: { request, key: key.public, now, authorities } });
  },

  signResponse(request, response, label, key, parameters) {
    return ask({ sign_response: { request, response, label, key: key.private, parameters } });
  },

  checkResponse(request, response, label, key, now) {
    return ask({ check_response: { request, response, label, key: key.public, now } });
  },
};
