'use strict';

const { visit } = require('../../others');
const client = require('../client');

visit('api-2023', client);
