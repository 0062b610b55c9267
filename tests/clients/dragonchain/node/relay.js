'use strict';

// A socket between a client and the server that keeps what the client sent, as somebody on the way would.

const http = require('node:http');
const net = require('node:net');

class Relay {
  /** The bytes of each connection, which the SDK may keep for several requests. */
  #sent = [];
  #sockets = new Set();
  #server;

  /** Runs something with the endpoint of a relay, and the relay. */
  static async at(endpoint, use) {
    const relay = new Relay();
    const { hostname, port, pathname } = new URL(endpoint);
    relay.#server = net.createServer((client) => {
      const server = net.connect(Number(port), hostname);
      const chunks = [];
      relay.#sent.push(chunks);
      client.on('data', (chunk) => chunks.push(chunk));
      for (const [socket, other] of [[client, server], [server, client]]) {
        relay.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.pipe(other);
      }
    });
    await new Promise((done) => relay.#server.listen(0, '127.0.0.1', done));
    try {
      const path = pathname === '/' ? '' : pathname;
      return await use(`http://127.0.0.1:${relay.#server.address().port}${path}`, relay);
    } finally {
      relay.#sockets.forEach((socket) => socket.destroy());
      await new Promise((done) => relay.#server.close(done));
    }
  }

  /** The requests so far, each as `{ method, path, headers, body }`. */
  get requests() {
    return this.#sent.flatMap((chunks) => requests(Buffer.concat(chunks)));
  }
}

/** The requests in the bytes of one connection: all of them have a length, or no body. */
function requests(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', at) + 4;
    const [first, ...lines] = bytes.subarray(at, end - 4).toString('latin1').split('\r\n');
    const [method, path] = first.split(' ');
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    const length = headers.find(([name]) => name.toLowerCase() === 'content-length');
    at = end + Number(length ? length[1] : 0);
    found.push({ method, path, headers, body: bytes.subarray(end, at) });
  }
  return found;
}

/** Sends to the endpoint's server what somebody has seen on the way, or changed. Resolves with its answer. */
function send(endpoint, { method, path, headers, body }) {
  const { hostname, port } = new URL(endpoint);
  return new Promise((done, failed) => {
    const request = http.request({ hostname, port, method, path, headers: headers.flat(), agent: false });
    request.on('error', failed).on('response', async (response) => {
      const chunks = await response.toArray();
      const { statusCode: status, headers: answered } = response;
      const answer = { status, response: JSON.parse(Buffer.concat(chunks)), ok: status >= 200 && status < 300 };
      done({ answer, headers: answered });
    });
    request.end(body);
  });
}

module.exports = { Relay, send };
