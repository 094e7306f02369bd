"""A person at an unmodified slixmpp client, for tests: sends the stanzas that come on standard input, one a line, and
writes every stanza that it gets to standard output, one a line. "ready" is written once it has logged in.

Usage: person.py ADDRESS PASSWORD HOST PORT AUTHORITY.PEM"""

import asyncio
import logging
import sys
import threading
from pathlib import Path

import slixmpp


class Person(slixmpp.ClientXMPP):
    def __init__(self, address, password, authority):
        super().__init__(address, password)
        self.ca_certs = Path(authority)
        # Who may see whom is the test's to say.
        self.auto_authorize = None
        self.auto_subscribe = False
        self.add_filter("in", self.show)
        self.add_event_handler("session_start", lambda _: self.tell("ready"))
        self.add_event_handler("failed_all_auth", lambda _: self.tell("refused"))

    def show(self, stanza):
        self.tell(str(stanza))
        return stanza

    @staticmethod
    def tell(line):
        print(line.replace("\n", " "), flush=True)


def follow(person, loop):
    for line in sys.stdin:
        loop.call_soon_threadsafe(person.send_raw, line.rstrip("\n"))
    loop.call_soon_threadsafe(loop.stop)


def main():
    address, password, host, port, authority = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    person = Person(address, password, authority)
    person.connect(host, int(port))
    threading.Thread(target=follow, args=(person, loop), daemon=True).start()
    loop.run_forever()


main()
