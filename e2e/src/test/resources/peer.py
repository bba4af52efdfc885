"""The applications that no package brings: a sink, a WebSocket echo, and servers that speak first.

usage: peer.py SINK_PORT ECHO_PORT GREETING_PORT...
"""
import base64
import hashlib
import socket
import socketserver
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        left = int(self.headers["content-length"])
        read = 0
        while read < left:
            chunk = self.rfile.read(min(1 << 20, left - read))
            if not chunk:
                break
            read += len(chunk)
        body = str(read).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Echo(socketserver.StreamRequestHandler):
    """Echoes each text frame of a client until it closes."""

    def handle(self):
        key = ""
        self.rfile.readline()
        for line in iter(self.rfile.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            if name.lower() == "sec-websocket-key":
                key = value.strip()
        accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
        self.wfile.write(
            (
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                f"sec-websocket-accept: {accept}\r\n\r\n"
            ).encode()
        )
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return
            length = head[1] & 127
            if length == 126:
                (length,) = struct.unpack(">H", self.rfile.read(2))
            mask = self.rfile.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(length)))
            size = bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length)
            self.wfile.write(bytes([head[0]]) + size + data)


class Greeting(socketserver.StreamRequestHandler):
    """Speaks first, then repeats one line in capitals."""

    def handle(self):
        self.wfile.write(b"220 who is there?\r\n")
        self.wfile.write(self.rfile.readline().upper())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    address_family = socket.AF_INET6


class Web(ThreadingHTTPServer):
    address_family = socket.AF_INET6


servers = [Web(("::", int(sys.argv[1])), Sink), Server(("::", int(sys.argv[2])), Echo)]
servers += [Server(("::", int(port)), Greeting) for port in sys.argv[3:]]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
print("ready", flush=True)
