'use strict';

const { live } = require('../../account');
const client = require('../client');

live('api-2023', client);
