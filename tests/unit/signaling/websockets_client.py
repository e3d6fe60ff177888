"""The python3-websockets package and http.client against the signaling server: clients that nobody here wrote.

Arguments: port, certificate. Prints nothing and ends with 0 when everything was as the contract says."""
import asyncio
import base64
import http.client
import json
import ssl
import sys

import websockets

PORT, CERTIFICATE = int(sys.argv[1]), sys.argv[2]
TLS = ssl.create_default_context(cafile=CERTIFICATE)
V1 = "crype.signaling.v1"


def token_protocol(name):
    return "crype.token." + base64.urlsafe_b64encode(f"token-of-{name}".encode()).decode().rstrip("=")


def connect(name, room="p1", after=0, in_header=False):
    url = f"wss://localhost:{PORT}/v1/rooms/{room}?after={after}"
    if in_header:
        return websockets.connect(url, ssl=TLS, subprotocols=[V1], extra_headers={"Authorization": f"Bearer token-of-{name}"})
    return websockets.connect(url, ssl=TLS, subprotocols=[V1, token_protocol(name)])


async def receive(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


def request(method, path, name, body=None):
    connection = http.client.HTTPSConnection("localhost", PORT, context=TLS, timeout=10)
    headers = {"Authorization": f"Bearer token-of-{name}"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)


async def main():
    loop = asyncio.get_running_loop()
    async with connect("alice", in_header=True) as alice:
        assert alice.subprotocol == V1
        assert await receive(alice) == {"type": "pong", "seq": 0}
        async with connect("bob") as bob:
            assert bob.subprotocol == V1
            assert await receive(bob) == {"type": "pong", "seq": 0}
            await alice.send(json.dumps({"type": "offer", "seq": 1, "sdp": "v=0\r\nunicode \u00e9\U0001f600"}))
            assert await receive(alice) == {"type": "pong", "seq": 1}
            offer = await receive(bob)
            assert offer["from"] == "alice" and offer["sdp"] == "v=0\r\nunicode \u00e9\U0001f600", offer
            await bob.ping()
            seen = offer["seq"]
        # bob is away; alice goes on, in one piece and in fragments
        await alice.send(json.dumps({"type": "candidate", "seq": 2, "candidate": "c2", "sdpMid": "0"}))
        text = json.dumps({"type": "candidate", "seq": 3, "candidate": "c3" + "x" * 5000})
        await alice.send([text[:10], text[10:2000], text[2000:]])
        assert (await receive(alice))["type"] == "pong"
        # back over https, then over wss again
        status, answer = await loop.run_in_executor(None, request, "GET", f"/v1/rooms/p1/messages?after={seen}&wait=25", "bob")
        assert status == 200
        while answer["messages"][-1]["candidate"][:2] != "c3":
            seen = answer["messages"][-1]["seq"]
            status, more = await loop.run_in_executor(None, request, "GET", f"/v1/rooms/p1/messages?after={seen}&wait=25", "bob")
            answer["messages"] += more["messages"]
        assert [m["candidate"][:2] for m in answer["messages"]] == ["c2", "c3"], answer
        seen = answer["messages"][-1]["seq"]
        poll = loop.run_in_executor(None, request, "GET", f"/v1/rooms/p1/messages?after={seen}&wait=25", "bob")
        await alice.send(json.dumps({"type": "end-of-candidates", "seq": 4}))
        status, answer = await poll
        assert status == 200 and [m["type"] for m in answer["messages"]] == ["end-of-candidates"], answer
        seen = answer["messages"][-1]["seq"]
        for _ in range(2):  # the answer to the first was lost, say
            status, answer = await loop.run_in_executor(
                None, request, "POST", "/v1/rooms/p1/messages", "bob", {"type": "answer", "seq": 1, "sdp": "v=0"})
            assert (status, answer) == (200, {"type": "pong", "seq": 1}), answer
        answers = []
        while not answers or answers[-1]["type"] != "bye":
            message = await receive(alice)
            if message["type"] != "pong":
                answers.append(message)
                if message["type"] == "answer":
                    async with connect("bob", after=seen) as bob:
                        assert await receive(bob) == {"type": "pong", "seq": 1}
                        await bob.send(json.dumps({"type": "bye", "seq": 2}))
                        assert await receive(bob) == {"type": "pong", "seq": 2}
        assert [m["type"] for m in answers] == ["answer", "bye"], answers
        await alice.send(json.dumps({"type": "offer", "seq": 5, "sdp": "v=0", "extra": 1}))
        assert await receive(alice) == {"type": "error", "seq": 5, "code": "unknown-field:extra"}
    try:
        async with connect("mallory"):
            raise AssertionError("mallory came in")
    except websockets.exceptions.InvalidStatusCode as refusal:
        assert refusal.status_code == 401
    status, servers = await loop.run_in_executor(None, request, "GET", "/v1/ice-servers", "alice")
    assert status == 200 and servers[1]["username"].endswith(":alice")


asyncio.run(asyncio.wait_for(main(), 40))
