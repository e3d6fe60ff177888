#!/usr/bin/python3
"""Both ends of the tests of the border's gate, with the TLS of Python's own library.

tcp_probe.py serve ADDRESS PORT           one line of JSON a connection: what came in, and how it ended; answers at the end
tcp_probe.py converse ADDRESS PORT        the same, and answers whatever comes
tcp_probe.py say ADDRESS PORT WHAT [SEGMENT [FROM]]   says WHAT in segments of so many bytes and prints what came back:
                                          "reply", "reset", "closed" or "silence"
tcp_probe.py greet ADDRESS PORT           a server that speaks first
tcp_probe.py listen ADDRESS PORT          connects, says nothing, and prints what came
tcp_probe.py talk ADDRESS PORT WHAT COUNT says WHAT and so many lines after it, one for each that comes back
tcp_probe.py echo ADDRESS PORT            UDP: sends back what comes
tcp_probe.py datagram ADDRESS PORT WHAT   prints "reply" or "silence"
tcp_probe.py flood ADDRESS PORT COUNT     so many connections at once, each with one byte of a hello
"""
import fcntl
import json
import select
import selectors
import socket
import ssl
import struct
import sys
import time

PATIENCE = 1.0


def hello(name="turns.crype.test", alpn=(), newest=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context()
    context.maximum_version = newest
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def large_hello(size):
    """A hello of that many bytes: an extension that nobody knows is as long as it takes, as large key shares are."""
    record = hello()
    message = bytearray(record[5:])
    at = 4 + 2 + 32
    at += 1 + message[at]
    at += 2 + struct.unpack_from("!H", message, at)[0]
    at += 1 + message[at]
    missing = size - len(message) - 4
    message += struct.pack("!HH", 0xfafa, missing) + bytes(missing)
    struct.pack_into("!H", message, at, len(message) - at - 2)
    message[1:4] = struct.pack("!I", len(message) - 4)[1:]
    records = b""
    for begin in range(0, len(message), 16384):
        part = bytes(message[begin:begin + 16384])
        records += b"\x16\x03\x01" + struct.pack("!H", len(part)) + part
    return records


def in_records(record, size):
    message = record[5:]
    return b"".join(b"\x16\x03\x01" + struct.pack("!H", len(message[i:i + size])) + message[i:i + size]
                    for i in range(0, len(message), size))


THINGS = {
    "hello": hello,
    "hello-tls12": lambda: hello(newest=ssl.TLSVersion.TLSv1_2),
    "hello-2k": lambda: large_hello(2100),
    "hello-6k": lambda: large_hello(5800),
    "hello-20k": lambda: large_hello(20000),
    "hello-records": lambda: in_records(hello(), 50),
    "hello-other-name": lambda: hello("www.other.test"),
    "hello-below": lambda: hello("a.b.example.com"),
    "hello-no-name": lambda: hello(None),
    "hello-web": lambda: hello(alpn=["h2", "http/1.1"]),
    "hello-turn": lambda: hello(alpn=["stun.turn"]),
    "http": lambda: b"GET / HTTP/1.1\r\nHost: turns.crype.test\r\n\r\n",
    "stun": lambda: bytes.fromhex("000300002112a442") + b"transaction!",
    "ssh": lambda: b"SSH-2.0-OpenSSH_9.2\r\n",
    "junk": lambda: bytes((i * 97 + 13) & 255 for i in range(400)),
    "forged": lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"plain words under a forged header " * 12,
}


def address(host, port):
    return socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]


def say(host, port, what, segment="0", source=None):
    data = THINGS[what]()
    family, _, _, _, to = address(host, port)
    connection = socket.socket(family)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(PATIENCE)
    if source:
        connection.bind(("", int(source)))
    size = int(segment) or len(data)
    try:
        connection.connect(to)
        for begin in range(0, len(data), size):
            connection.sendall(data[begin:begin + size])
            wait_until_sent(connection)
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # reset already, as what follows says
            pass
        answer = connection.recv(100)
        return "reply" if answer else "closed"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except (socket.timeout, TimeoutError):
        return "silence"


def outcome(action):
    try:
        return action()
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except (socket.timeout, TimeoutError):
        return "silence"


def connected(host, port):
    family, kind, _, _, to = address(host, port)
    connection = socket.socket(family, kind)
    connection.settimeout(PATIENCE)
    connection.connect(to)
    return connection


def listen(host, port):
    return outcome(lambda: "reply" if connected(host, port).recv(100) else "closed")


def talk(host, port, what, count):
    def lines():
        connection = connected(host, port)
        for data in [THINGS[what]()] + [b"one more line of what there is to say\n"] * int(count):
            connection.sendall(data)
            if not connection.recv(100):
                return "closed"
        return "reply"
    return outcome(lines)


def echo(host, port):
    family, _, _, _, at = address(host, port)
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind(at)
    print(json.dumps({"event": "ready"}), flush=True)
    while True:
        data, peer = server.recvfrom(65536)
        server.sendto(data, peer)


def datagram(host, port, what):
    def ask():
        family, _, _, _, to = address(host, port)
        asking = socket.socket(family, socket.SOCK_DGRAM)
        asking.settimeout(PATIENCE)
        asking.sendto(THINGS[what](), to)
        return "reply" if asking.recv(65536) else "closed"
    return outcome(ask)


def wait_until_sent(connection):
    """The piece is on its way before the next one comes: the kernel would make one segment of them. Or it is stuck."""
    deadline = time.monotonic() + PATIENCE / 2
    while struct.unpack("i", fcntl.ioctl(connection, 0x894B, b"\0\0\0\0"))[0] > 0:  # SIOCOUTQNSD: not sent yet
        readable = select.poll()
        readable.register(connection, select.POLLIN)
        if readable.poll(1) or time.monotonic() > deadline:
            return


def reply(connection):
    try:
        connection.sendall(b"heard\n")
    except (ConnectionResetError, BrokenPipeError):
        pass


def serve(host, port, first=b"", answers=False):
    family, _, _, _, at = address(host, port)
    listener = socket.create_server(at[:2], family=family, backlog=4096, dualstack_ipv6=True)
    print(json.dumps({"event": "ready"}), flush=True)
    waiting = {}
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    while True:
        for one in [key.fileobj for key, _ in ready.select()]:
            if one is listener:
                connection, peer = listener.accept()
                waiting[connection] = {"event": "connection", "peer": peer[0], "port": peer[1], "bytes": 0, "hex": ""}
                ready.register(connection, selectors.EVENT_READ)
                if first:
                    connection.sendall(first)
                continue
            seen = waiting[one]
            try:
                data = one.recv(65536)
                how = "fin"
            except ConnectionResetError:
                data, how = b"", "rst"
            if data:
                seen["bytes"] += len(data)
                seen["hex"] = (seen["hex"] + data.hex())[:64]
                if answers:
                    reply(one)
                continue
            reply(one)
            print(json.dumps(seen | {"end": how}), flush=True)
            ready.unregister(one)
            one.close()
            del waiting[one]


def flood(host, port, count):
    family, _, _, _, to = address(host, port)
    open_ones = []
    for _ in range(int(count)):
        connection = socket.socket(family)
        connection.settimeout(PATIENCE)
        connection.connect(to)
        connection.sendall(b"\x16")
        open_ones.append(connection)
    return f"{len(open_ones)} open, then {say(host, port, 'hello')}"


if __name__ == "__main__":
    task, arguments = sys.argv[1], sys.argv[2:]
    if task == "serve":
        serve(*arguments)
    elif task == "greet":
        serve(*arguments, first=b"SSH-2.0-OpenSSH_9.2\r\n")
    elif task == "converse":
        serve(*arguments, answers=True)
    else:
        tasks = {"say": say, "flood": flood, "listen": listen, "talk": talk, "echo": echo, "datagram": datagram}
        result = tasks[task](*arguments)
        if result:
            print(result)
