'use strict';

const cryppo = require('@meeco/cryppo');
const { ofBinaryStrings } = require('../../binary-strings');
const { interoperate } = require('../../interoperation');

const forms = ['bson', 'yaml'];
interoperate(
  '0.6.3',
  ofBinaryStrings(cryppo, { writes: forms, reads: forms, empty: Buffer.alloc(0), signs: 'text' }),
);
