'use strict';

// The version of the guide's own time: YAML is all that it writes and, for keys, all that it reads.

const cryppo = require('@meeco/cryppo');
const { ofBinaryStrings } = require('../../binary-strings');
const { interoperate } = require('../../interoperation');

interoperate(
  '0.5.0',
  ofBinaryStrings(cryppo, { writes: ['yaml'], reads: ['yaml'], empty: Buffer.alloc(0), signs: 'text' }),
);
