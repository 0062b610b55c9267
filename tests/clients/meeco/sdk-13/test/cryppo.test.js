'use strict';

const cryppo = require('@meeco/cryppo');
const { ofBinaryStrings } = require('../../binary-strings');
const { interoperate } = require('../../interoperation');

const forms = ['bson', 'yaml'];
interoperate('0.9.0', ofBinaryStrings(cryppo, { writes: forms, reads: forms, empty: null, signs: 'bytes' }));
