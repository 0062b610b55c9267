'use strict';

const { live } = require('../../account');
const client = require('../client');

live('sdk-11', client);
