"""An unmodified slixmpp as a user's client. Says what happens, one JSON object a line; does what it is told, one a line."""

import argparse
import asyncio
import base64
import json
import ssl
import sys

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, args):
        super().__init__(args.jid, args.password, sasl_mech=args.mechanism)
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0004")
        self.register_plugin("xep_0055", {"provide_search": False})
        self.register_plugin("xep_0198")
        self.plugin["xep_0198"].allow_resume = args.resume
        if args.photos:
            self.register_plugin("xep_0054")
            self.register_plugin("xep_0084")
            self.register_plugin("xep_0153")
            # Its plugin tells of no photo that is gone.
            self.add_event_handler("presence", self.shown)
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.enable_direct_tls = args.direct_tls
        self.enable_starttls = not args.direct_tls
        self.enable_plaintext = False
        self.auto_reconnect = False
        self.add_event_handler("session_start", lambda _: self.in_("started"))
        self.add_event_handler("session_resumed", lambda _: self.in_("resumed"))
        self.add_event_handler("sm_failed", lambda _: say("not resumed"))
        self.add_event_handler("message", lambda m: say("message", sender=str(m["from"]), body=m["body"], type=m["type"]))
        self.add_event_handler("failed_auth", lambda s: say("failed", condition=s["condition"]))
        self.add_event_handler("failed_all_auth", lambda _: say("refused"))
        self.add_event_handler("stream_error", lambda e: say("error", condition=e["condition"], text=e["text"]))
        self.add_event_handler("disconnected", lambda _: say("disconnected"))
        self.add_event_handler("iq_result", lambda iq: say("result", id=iq["id"]))
        told = [("message", "stanza"), ("iq", "answer")]
        for name, what in told:
            tell = lambda stanza, what=what: say(what, id=stanza["id"], xml=str(stanza))
            self.register_handler(Callback(f"every {name}", MatchXPath("{jabber:client}" + name), tell))

    def shown(self, presence):
        photo = presence.xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo")
        if photo is not None:
            say("update", sender=str(presence["from"]), photo=photo)

    def in_(self, what):
        mechanism = self.plugin["feature_mechanisms"].mech
        say(what, jid=self.boundjid.full, mechanism=mechanism and mechanism.name)

    async def search(self, fields):
        """Finds the directory as a client does, fills its form in, and says who was found."""
        disco = self.plugin["xep_0030"]
        items = await disco.get_items(jid=self.boundjid.domain, timeout=20)
        for jid, _, _ in items["disco_items"]["items"]:
            info = await disco.get_info(jid=jid, timeout=20)
            if "jabber:iq:search" in info["disco_info"]["features"]:
                break
        else:
            return say("found", error="no directory")
        ask = self.make_iq_get(ito=jid)
        ask.enable("search")
        form = (await ask.send(timeout=20))["search"]["form"]
        iq = self.plugin["xep_0055"].make_search_iq(ito=jid)
        for name, value in fields.items():
            iq["search"]["form"].add_field(name, value=value)
        try:
            found = (await iq.send(timeout=20))["search"]["form"]
        except slixmpp.exceptions.IqError as error:
            return say("found", error=error.condition)
        say("found", at=str(jid), error=None, asked=list(form.get_fields()), words=found["instructions"], items=list(found.get_items()))

    async def photo(self, jid):
        """Reads somebody's photo as card and as avatar, and says what each of them is."""
        card = (await self.plugin["xep_0054"].get_vcard(jid=jid, timeout=20))["vcard_temp"]["PHOTO"]
        pubsub = self.plugin["xep_0060"]
        told = (await pubsub.get_items(jid, "urn:xmpp:avatar:metadata", timeout=20))["pubsub"]["items"]
        info = dict(told["item"]["payload"].find("{urn:xmpp:avatar:metadata}info").attrib)
        data = await self.plugin["xep_0084"].retrieve_avatar(jid, info["id"], timeout=20)
        data = data["pubsub"]["items"]["item"]["avatar_data"]["value"]
        text = lambda value: base64.b64encode(value).decode()
        say("photo", type=card["TYPE"], card=text(card["BINVAL"]), avatar=text(data), info=info)

    async def publish(self, data):
        """Tries to set the own photo in both ways, and says what came of it."""
        outcomes = []
        for set_it in [self.plugin["xep_0153"].set_avatar(avatar=data), self.plugin["xep_0084"].publish_avatar(data)]:
            try:
                await set_it
                outcomes.append(None)
            except slixmpp.exceptions.IqError as error:
                outcomes.append({"condition": error.condition, "text": error.text})
        say("published", outcomes=outcomes)

    async def do(self, order):
        what = order["do"]
        if what == "presence":
            self.send_presence(pshow=order.get("show"), pstatus=order.get("status"), ptype=order.get("type"))
        elif what == "message":
            self.send_message(mto=order["to"], mbody=order["body"], mtype="chat")
        elif what == "ping":
            try:
                say("pong", seconds=await self.plugin["xep_0199"].ping(order["to"], timeout=20))
            except slixmpp.exceptions.IqError as error:
                say("pong", error=error.condition)
        elif what == "disco":
            info = await self.plugin["xep_0030"].get_info(jid=order["to"], timeout=20)
            say("disco", features=sorted(info["disco_info"]["features"]))
        elif what == "search":
            await self.search(order["fields"])
        elif what == "photo":
            await self.photo(order["to"])
        elif what == "publish":
            await self.publish(base64.b64decode(order["data"]))
        elif what == "raw":
            self.send_raw(order["text"])
        elif what == "break":
            self.end_session_on_disconnect = False
            self.transport.abort()
        elif what == "again":
            self.connect(*self.place)
        elif what == "quit":
            await self.disconnect()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("jid")
    parser.add_argument("password")
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--mechanism")
    parser.add_argument("--direct-tls", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--photos", action="store_true")
    args = parser.parse_args()
    client = Client(args)
    client.place = (args.address, args.port)
    client.connect(*client.place)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await client.do(json.loads(line))


asyncio.run(main())
