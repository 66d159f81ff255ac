"""Listens on the machine's wire, so that the timeline holds what really crossed it, whoever serves it.

A kernel filter lets through what tells a boot: UDP (DHCP, TFTP) and TCP segments that begin an HTTP request. The sixty megabytes
of a ramdisk never reach Python. The agent's commands are TLS and stay private.
"""
import ctypes
import re
import socket
import struct
import threading

SO_ATTACH_FILTER = 26
DHCP = {1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM"}
# classic BPF (code, jump if true, jump if false, operand) on an Ethernet frame
FILTER = [
    (0x28, 0, 0, 12),                   # ethertype
    (0x15, 0, 13, 0x0800),              # not IPv4: drop
    (0x30, 0, 0, 23),                   # protocol
    (0x15, 10, 0, 17),                  # UDP: keep
    (0x15, 0, 10, 6),                   # not TCP: drop
    (0xB1, 0, 0, 14),                   # x = length of the IP header
    (0x50, 0, 0, 26),                   # TCP data offset, in the upper half of a byte: words
    (0x54, 0, 0, 0xF0),
    (0x74, 0, 0, 2),
    (0x0C, 0, 0, 0),                    # a = both headers
    (0x07, 0, 0, 0),                    # x = a
    (0x40, 0, 0, 14),                   # the first four bytes of the payload; past the end drops
    (0x15, 1, 0, int.from_bytes(b"GET ", "big")),
    (0x15, 0, 1, int.from_bytes(b"POST", "big")),
    (0x06, 0, 0, 0x10000),              # keep
    (0x06, 0, 0, 0),                    # drop
]


def start(interface, events):
    """Notes the machine's DHCP, TFTP and HTTP as they happen, until the process ends."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in FILTER))
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", len(FILTER), ctypes.addressof(code)))
    s.bind((interface, 0))
    threading.Thread(target=listen, args=(s, events), daemon=True).start()


def listen(s, events):
    previous = None
    while True:
        frame = s.recv(65536)
        try:
            seen = describe(frame)
        except (IndexError, struct.error):
            continue                    # cut short or not what it seemed
        if seen and seen != previous:   # a retransmission says nothing new
            events.note(*seen)
            previous = seen


def describe(frame):
    """(source, text, stage) of a frame worth a line, else None."""
    ip = frame[14:]
    header = (ip[0] & 15) * 4
    length = struct.unpack(">H", ip[2:4])[0]
    source, target = (socket.inet_ntoa(ip[a:a + 4]) for a in (12, 16))
    if ip[9] == 6:
        payload = ip[header + (ip[header + 12] >> 4) * 4:length]
        m = re.match(rb"(GET|POST) (\S+)", payload)
        if not m:
            return None
        path = m[2].decode(errors="replace")
        agent = re.search(rb"(?i)\r\nuser-agent: *([^\r]*)", payload)
        return "http", f"{m[1].decode()} {path[:100]}", http_stage(path, agent[1] if agent else b"")
    sport, dport = struct.unpack(">HH", ip[header:header + 4])
    payload = ip[header + 8:length]
    if dport == 69 and payload[:2] == b"\0\1":
        fields = payload[2:].split(b"\0")
        options = b" ".join(fields[2:]).decode(errors="replace").strip()
        return "tftp", f"read {fields[0].decode(errors='replace')} ({options})", "tftp"
    if {sport, dport} == {67, 68}:
        return dhcp(payload, target)
    return None


def http_stage(path, agent):
    if path.startswith("/v1/continue_inspection") or path.startswith("/v1/lookup"):
        return "lookup"
    if path.startswith("/v1/heartbeat"):
        return "heartbeat"
    return "script" if agent.startswith(b"iPXE") else None


def dhcp(payload, target):
    options, at = {}, 240
    while payload[at] != 255:
        if payload[at] == 0:
            at += 1
            continue
        options[payload[at]] = payload[at + 2:at + 2 + payload[at + 1]]
        at += 2 + payload[at + 1]
    kind = options[53][0]
    if payload[0] == 1:
        vendor = options.get(60, b"").split(b":")[0].decode(errors="replace")
        return "dhcp", f"{DHCP.get(kind, kind)} by {'iPXE' if 175 in options or options.get(77, b'').endswith(b'iPXE') else vendor or 'a system'}", None
    given = socket.inet_ntoa(payload[16:20])
    name = (options.get(67) or payload[108:236].split(b"\0")[0]).decode(errors="replace").rstrip("\0")
    return "dhcp", f"{DHCP.get(kind, kind)} {given}{' boot file ' + name if name else ''}", "dhcp" if kind == 5 else None
