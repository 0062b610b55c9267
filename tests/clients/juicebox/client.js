// The published client as an application uses it.

import { createHash } from 'node:crypto';

import { AuthTokenGenerator, Client, Configuration } from 'juicebox-sdk';

import { tenant } from './realms.js';

const generator = new AuthTokenGenerator(tenant);
const bytes = (text) => new TextEncoder().encode(text);
let subject;

// The client asks for tokens by this name, realm by realm.
globalThis.JuiceboxGetAuthToken = async (realm) => token(Buffer.from(realm).toString('hex'), subject);

/** The generator names users by 16 bytes in hexadecimal. */
const secretId = (user) => createHash('sha256').update(user).digest('hex').slice(0, 32);

export function token(realm, user) {
  return generator.vend(realm, secretId(user));
}

/** A user of these realms, of whom `recover` are needed. */
export class User {
  constructor(name, realms, { register = realms.length, recover }) {
    this.name = name;
    this.configuration = {
      realms: realms.map(({ id, address }) => ({ id, address })),
      register_threshold: register,
      recover_threshold: recover,
      pin_hashing_mode: 'FastInsecure',
    };
  }

  client() {
    // One user at a time: the name of the token's giver is global.
    subject = this.name;
    return new Client(new Configuration(this.configuration), []);
  }

  register(pin, secret, guesses) {
    return this.client().register(bytes(pin), bytes(secret), bytes(this.name), guesses);
  }

  async recover(pin) {
    return new TextDecoder().decode(await this.client().recover(bytes(pin), bytes(this.name)));
  }

  delete() {
    return this.client().delete();
  }

  /** Why a recovery fails, and how many guesses are left. */
  async refusal(pin) {
    try {
      await this.recover(pin);
    } catch (error) {
      const { reason, guesses_remaining: left } = error;
      return { reason, left };
    }
    throw new Error('it was recovered');
  }
}
