"""A person who is registered and logged in: what most flows start from."""

from __future__ import annotations

from dataclasses import dataclass

from person.keys import ApiKey, KeySession
from person.objects import Datastore, Share, accept, offers
from person.people import Person
from person.wire import Server, Session


@dataclass
class Member:
    person: Person
    session: Session
    id: str

    @classmethod
    def join(cls, server: Server, name: str) -> Member:
        person = Person.new(server, name).register()
        session = person.login()
        return cls(person, session, person.id(session))

    @property
    def server(self) -> Server:
        return self.person.server

    def datastore(self, description: str = "Default") -> Datastore:
        return Datastore.create(self.person, self.session, description=description)

    def share(self, parent: dict[str, str], name: str) -> Share:
        return Share.create(self.person, self.session, parent, name)

    def key(self, title: str = "a key", **flags: bool) -> ApiKey:
        """A key that reads, and does more where the flags say so."""
        return ApiKey.create(self.person, self.session, title, **flags)

    def key_session(self, **flags: bool) -> KeySession:
        return ApiKey.create(self.person, self.session, "a key", **flags).login(self.server)

    def give(self, share: Share, taker: Member, **flags: bool) -> str:
        """Offers the share and lets the taker accept it. Returns the id of the right."""
        offer = share.offer(self.person, self.session, taker.id, taker.person.public_key, **flags)
        right: str = offer.under_seal().expect(201)["share_right_id"]
        waiting = next(entry for entry in offers(taker.session) if entry["share_right_id"] == right)
        assert accept(taker.person, taker.session, waiting).key == share.key
        return right
