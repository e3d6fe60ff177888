#!/usr/bin/python3 -I
"""A client that can do no more than curl can, and one STUN question: it asks the signaling server for its ICE servers,
over HTTPS and the job's proxy, and a STUN server for its address, over UDP. It never connects to anybody, and says so.
See clients/CONTRACT.md. Needs curl and Python 3.7."""

import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.parse

BEGAN = time.monotonic()
# Seconds before a STUN request is sent again (RFC 8489 section 6.2.1, the first three), and the last wait.
RETRANSMISSIONS = (0.5, 1.0, 2.0)
CONNECT_SECONDS = 10


def say(event, **members):
    members = {name: value for name, value in members.items() if value is not None}
    print(json.dumps({"event": event, "t": round((time.monotonic() - BEGAN) * 1000), **members}), flush=True)


def problem(code, detail, fatal=False):
    say("problem", code=code, detail=detail, fatal=fatal)


def unsupported(what):
    print(f"cannot do what the job asks: {what}", file=sys.stderr)
    sys.exit(127)


def curl_version():
    words = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()
    schemes = {"NTLM": "proxy-ntlm", "GSS-API": "proxy-negotiate"}
    return words[1], ["proxy-http", "proxy-basic", "proxy-digest"] + [schemes[w] for w in words if w in schemes]


def proxy_arguments(job):
    """What makes curl use the proxy that this job's application would use."""
    proxy, app = job["proxy"], job["app"]
    if app in ("desktop-unconfigured", "desktop-split") or proxy["mode"] == "direct":
        return ["--noproxy", "*"]
    if proxy["mode"] in ("pac_script", "auto_detect"):
        unsupported(f"the proxy mode {proxy['mode']}")
    arguments = []
    if proxy["mode"] == "fixed_servers":
        rules = proxy.get("rules", "")
        if any(mark in rules for mark in "=;,"):
            unsupported("more than one proxy rule")
        arguments = ["--proxy", rules]
        if proxy.get("bypass"):
            arguments += ["--noproxy", proxy["bypass"].replace(";", ",").replace("*.", ".")]
    arguments += ["--proxy-anyauth", "--proxy-cacert", job["trust"]]
    return arguments


def ask_signaling(job):
    """GET /v1/ice-servers. True when the server answered."""
    address = urllib.parse.urlsplit(job["signaling"]["fallback"])
    target = f"{address.hostname}:{address.port or 443}"
    arguments = proxy_arguments(job)
    # Secrets go by standard input, where no other process of the host can read them.
    settings = [f'header = "Authorization: Bearer {job["signaling"]["token"]}"']
    credentials = job["proxy"].get("credentials")
    if credentials == "given" and "username" in job["proxy"]:
        settings.append(f'proxy-user = {json.dumps(job["proxy"]["username"] + ":" + job["proxy"].get("password", ""))}')
    elif credentials == "ambient":
        settings.append('proxy-user = ":"')
    result = subprocess.run(
        ["curl", "--silent", "--show-error", "--config", "-", "--cacert", job["trust"], "--max-time",
         str(CONNECT_SECONDS), "--output", "/dev/null", "--write-out", "%{http_connect} %{http_code} %{proxy_used}",
         *arguments, f"https://{address.netloc}/v1/ice-servers"],
        input="\n".join(settings) + "\n", capture_output=True, text=True, check=False)
    words = (result.stdout.split() + ["0", "0"])[:2]
    connect, status = int(words[0]), int(words[1])
    reason = result.stderr.strip() or f"HTTP status {status}"
    if connect:
        say("proxy", phase="tunnel" if connect == 200 else "challenge" if connect == 407 else "connect", target=target,
            status=connect)
    if result.returncode == 0 and status == 200:
        say("signaling", state="open", via="https")
        return True
    if connect == 407:
        problem("PROXY_AUTH_FAILED" if credentials == "given" else "PROXY_AUTH_REQUIRED", reason)
    elif connect == 403:
        problem("PROXY_CONNECT_DENIED", reason)
    elif connect >= 500 or result.returncode in (5, 97) or (result.returncode == 7 and "--proxy" in arguments):
        problem("PROXY_UNREACHABLE", reason)
    elif result.returncode == 6:
        problem("DNS_FAILED", reason)
    elif result.returncode == 60:
        problem("PROXY_TLS_UNTRUSTED" if "proxy" in reason.lower() else "SIG_TLS_UNTRUSTED", reason)
    else:
        problem("SIG_BLOCKED", reason)
    return False


def stun_server(job):
    for server in job["ice"]["servers"]:
        urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
        for url in urls:
            if url.startswith("stun:"):
                host, _, port = url[5:].partition(":")
                return host, int(port or 3478)
    return None


def mapped_address(answer, transaction):
    """XOR-MAPPED-ADDRESS of a Binding success response (RFC 8489 section 14.2), IPv4."""
    if len(answer) < 20 or answer[:2] != b"\x01\x01" or answer[4:20] != transaction:
        return None
    at = 20
    while at + 4 <= len(answer):
        kind, size = struct.unpack_from("!HH", answer, at)
        value = answer[at + 4:at + 4 + size]
        if kind == 0x0020 and len(value) >= 8 and value[1] == 1:
            port = struct.unpack_from("!H", value, 2)[0] ^ 0x2112
            address = bytes(a ^ b for a, b in zip(value[4:8], transaction[:4]))
            return f"{socket.inet_ntoa(address)}:{port}"
        at += 4 + (size + 3) // 4 * 4
    return None


def ask_stun(host, port):
    """Its address as the STUN server sees it."""
    try:
        to = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
    except OSError as error:
        problem("DNS_FAILED", f"{host}: {error}")
        return
    transaction = b"\x21\x12\xa4\x42" + os.urandom(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(to)
            for wait in RETRANSMISSIONS:
                asking.settimeout(wait)
                asking.send(b"\x00\x01\x00\x00" + transaction)
                try:
                    found = mapped_address(asking.recv(2048), transaction)
                except socket.timeout:
                    continue
                if found:
                    say("candidate", side="local", type="srflx", protocol="udp", address=found)
                    return
            problem("TURN_UNREACHABLE", f"udp {to[0]}:{port}: no answer")
        except OSError as error:
            problem("TURN_UNREACHABLE", f"udp {to[0]}:{port}: {error}")


def main():
    try:
        job = json.load(sys.stdin)
        if job["contract"] != 1:
            raise ValueError("not contract 1")
        task = job["task"]
    except (ValueError, KeyError, TypeError) as error:
        print(f"malformed job: {error}", file=sys.stderr)
        sys.exit(64)
    if task != "call":
        unsupported(f"the task {task}")
    version, features = curl_version()
    say("hello", name="curl", version=version, features=features)
    ask_signaling(job)
    server = stun_server(job)
    if server:
        ask_stun(*server)
    problem("ICE_NO_PATH", "curl connects to nobody: it has no ICE, DTLS and SCTP", fatal=True)
    say("closed", reason="nothing more that curl can do")
    sys.exit(1)


main()
