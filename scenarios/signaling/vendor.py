#!/usr/bin/env python3
"""A signaling server that shares no code with the reference one: rooms of two over WebSocket (python3-websockets).

It does what clients/CONTRACT.md asks of the WebSocket transport, for the length of a call: it checks tokens, numbers what it is sent, and
passes it on. Usage: vendor.py CONFIG
"""
import asyncio
import base64
import http
import json
import ssl
import sys
import urllib.parse

import websockets

PROTOCOL = "crype.signaling.v1"
CARRIED = "crype.token."


class Room:
    def __init__(self):
        self.messages = []  # (from, message), in the order of their numbers
        self.stored = {}  # by peer: its own number of the last one
        self.sockets = {}


class Server:
    def __init__(self, tokens):
        self.tokens = tokens
        self.rooms = {}

    def peer(self, headers):
        offered = [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",")]
        carried = [each[len(CARRIED):] for each in offered if each.startswith(CARRIED)]
        if carried:
            return self.tokens.get(base64.urlsafe_b64decode(carried[0] + "=" * (-len(carried[0]) % 4)).decode())
        return self.tokens.get(headers.get("Authorization", "").removeprefix("Bearer "))

    async def refuse_strangers(self, _path, headers):
        return None if self.peer(headers) else (http.HTTPStatus.UNAUTHORIZED, [], b"")

    async def serve(self, socket):
        peer = self.peer(socket.request_headers)
        address = urllib.parse.urlsplit(socket.path)
        after = int(urllib.parse.parse_qs(address.query).get("after", ["0"])[0])
        name = address.path.rsplit("/", 1)[1]
        room = self.rooms.setdefault(name, Room())
        room.sockets[peer] = socket
        print(json.dumps({"event": "join", "room": name, "peer": peer}), flush=True)
        await self.acknowledge(room, peer)
        for number, (sender, message) in enumerate(room.messages, 1):
            if number > after and sender != peer:
                await self.tell(socket, {**message, "from": sender, "seq": number})
        try:
            async for text in socket:
                await self.take(room, peer, json.loads(text))
        except websockets.ConnectionClosed:
            pass

    async def take(self, room, peer, message):
        if message["type"] not in ("ping", "pong") and message["seq"] == room.stored.get(peer, 0) + 1:
            room.stored[peer] = message["seq"]
            room.messages.append((peer, message))
            for other, socket in room.sockets.items():
                if other != peer:
                    await self.tell(socket, {**message, "from": peer, "seq": len(room.messages)})
        if message["type"] != "pong":
            await self.acknowledge(room, peer)

    async def acknowledge(self, room, peer):
        await self.tell(room.sockets[peer], {"type": "pong", "seq": room.stored.get(peer, 0)})

    @staticmethod
    async def tell(socket, message):
        """Who has gone comes back and asks for what it missed."""
        try:
            await socket.send(json.dumps(message))
        except websockets.ConnectionClosed:
            pass


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(told["certificate"], told["key"])
    server = Server(told["tokens"])
    for listen in told["listen"]:
        host, port = listen.rsplit(":", 1)
        await websockets.serve(server.serve, host.strip("[]"), int(port), ssl=context, subprotocols=[PROTOCOL],
                               process_request=server.refuse_strangers, compression=None)
    print("the vendor's server listens", flush=True)
    await asyncio.Future()


asyncio.run(main())
