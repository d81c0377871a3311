"""Thousands of bare clients of one port, in one process that spends next to nothing on each: many-clients.py PORT

What is measured is when the last one of them is answered or closed, so whoever looks must not be what takes the time: epoll
hands out thousands of events at once, where a socket of Node costs as much as the proxy's own.

Commands are lines of standard input: open COUNT, hold COUNT, send BYTES, close. Events are lines of JSON; `at` and `first` in
milliseconds since the epoch.
"""

import errno
import json
import os
import resource
import select
import socket
import struct
import sys
import time

MAX_OPENING = 64
PARAMETERS = b"user\0postgres\0database\0postgres\0\0"
STARTUP = struct.pack("!II", len(PARAMETERS) + 8, 196608) + PARAMETERS

port = int(sys.argv[1])
epoll = select.epoll()
clients = {}  # descriptor -> socket
pending = set()  # descriptors that wait for their first answer
wanted = 0  # clients still to be opened
expected = 0  # clients whose first answer is waited for
closed = 0
first = None


def report(event, **values):
    print(json.dumps({"event": event, "at": time.time() * 1000, **values}), flush=True)


def fail(message):
    report("failed", message=message)
    sys.exit(1)


def connect():
    client = socket.socket()
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    client.send(STARTUP)
    clients[client.fileno()] = client
    pending.add(client.fileno())
    epoll.register(client.fileno(), select.EPOLLIN | select.EPOLLRDHUP)


def fill():
    global wanted
    while wanted > 0 and len(pending) < MAX_OPENING:
        wanted -= 1
        connect()


def send(count):
    least = count
    for client in clients.values():
        try:
            sent = client.send(bytes(count))
        except BlockingIOError:
            sent = 0
        least = min(least, sent)
    report("sent", least=least)


def command(line):
    global wanted, expected, first, closed
    name, _, count = line.partition(" ")
    first = None
    closed = 0
    if name == "open":
        expected = wanted = int(count)
        fill()
    elif name == "hold":
        expected = int(count)
        for _ in range(expected):
            connect()
        report("held")
    elif name == "send":
        send(int(count))
    elif name == "close":
        for client in clients.values():
            client.close()
        clients.clear()
        pending.clear()
        report("left")


def gone(descriptor):
    global closed, first
    if descriptor in pending:
        fail("a client was closed before it was answered")
    first = first or time.time() * 1000
    epoll.unregister(descriptor)
    clients.pop(descriptor).close()
    closed += 1
    if not clients:
        report("closed", count=closed, first=first)


def answered(descriptor, data):
    global expected, first
    pending.discard(descriptor)
    if data[:1] != b"R":
        fail("a client was refused: " + data.decode("latin1"))
    first = first or time.time() * 1000
    expected -= 1
    if expected == 0:
        report("answered", first=first)
    else:
        fill()


def readable(descriptor):
    try:
        data = clients[descriptor].recv(4096)
    except OSError as error:
        if error.errno not in (errno.ECONNRESET, errno.EPIPE):
            raise
        data = b""
    if data == b"":
        gone(descriptor)
    elif descriptor in pending:
        answered(descriptor, data)


_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
epoll.register(0, select.EPOLLIN)
text = ""
while True:
    for descriptor, _ in epoll.poll(maxevents=10000):
        if descriptor != 0:
            if descriptor in clients:
                readable(descriptor)
            continue
        read = os.read(0, 4096).decode()
        if read == "":
            sys.exit(0)
        *lines, text = (text + read).split("\n")
        for line in lines:
            command(line)
