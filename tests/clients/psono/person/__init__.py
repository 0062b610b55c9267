"""A person at a Psono client, and every step of a life with it, by hand.

Written from `dialects/psono.md` with PyNaCl and requests; it shares no line with the server or with the published
clients, so whatever both sides agree on was said by the page. Keys, nonces, ciphertexts and signatures are hex text.
"""
