#!/usr/bin/env python3
"""The lab itself: runs as the first process of a network and process namespace that `run` made, in the run's scratch directory.

    bridge 10.77.0.1 ── tap ── QEMU machine          ipmi_sim on 10.77.0.1:6230 presses its buttons
       └ bessemer: DHCP, TFTP, HTTP for machines       the API on 127.0.0.1:6385, driven by lifecycle.py

When this process ends, however it ends, the kernel kills all others in the namespace and takes the network away: there is nothing
to tidy up, and nothing of this machine's own network is ever touched.
"""
import argparse
import functools
import http.server
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import events as events_module
import lifecycle
import machine as machine_module
import watch

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS, BRIDGE, TAP, MAC = "10.77.0.1", "lab0", "tap0", "52:54:00:77:00:10"
API = "http://127.0.0.1:6385"
MIRROR_PORT = 8090                      # an HTTP server for images, as a site has one; loopback only: machines cannot reach it
PROVEN = {"life": "whole life", "deploy": "deployed and booted", "care": "serviced, rescued and back"}
LOGS = [("service.log", 40), ("events.log", 15), ("serial.log", 25), ("bmc.log", 5), ("qemu.log", 5)]


def options():
    p = argparse.ArgumentParser()
    p.add_argument("--firmware", choices=["bios", "uefi"], default="bios")
    p.add_argument("--phase", choices=["life", "deploy", "care"], default="life")
    p.add_argument("--image", choices=["raw", "qcow2"])
    p.add_argument("--source", choices=["http", "file"])
    p.add_argument("--accel", choices=["kvm", "tcg"], required=True)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--instead", metavar="COMMAND")
    p.add_argument("--api", default=API)
    p.add_argument("--service", required=True)
    return p.parse_args()


def sh(command):
    subprocess.run(shlex.split(command), check=True, stdin=subprocess.DEVNULL)


def network():
    sh("ip link set lo up")
    # no IPv6 address tentative for seconds, no spanning tree: a machine that is switched on is heard at once
    sh(f"ip link add {BRIDGE} type bridge stp_state 0 forward_delay 0")
    sh(f"ip address add {ADDRESS}/24 dev {BRIDGE}")
    sh(f"ip tuntap add dev {TAP} mode tap")
    sh(f"ip link set {TAP} master {BRIDGE} up")
    sh(f"ip link set {BRIDGE} up")


def spawn(name, *command):
    """A daemon of the lab, its words in NAME.log."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=open(name + ".log", "wb"), stderr=subprocess.STDOUT)


def mirror(directory):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def address_string(self):       # the standard one asks DNS
            return self.client_address[0]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", MIRROR_PORT), functools.partial(Quiet, directory=directory), bind_and_activate=False)
    server.server_name = "lab"          # likewise
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.socket.bind(server.server_address)
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()


def wait_for_api(process, url, events):
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url + "/v1", timeout=5).read()
            return events.note("service", f"answers on {url}")
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise lifecycle.Failed(f"the service did not come up, exit code {process.poll()}")
            time.sleep(0.02)


def run(o, events):
    network()
    mirror("images")
    machine = machine_module.Machine(events, o.firmware, o.accel, MAC, TAP, ADDRESS)
    machine.start_bmc(spawn)
    watch.start(TAP, events)
    events.note("lab", f"{o.firmware} machine, {o.accel}, logs in {os.getcwd()}")
    here = os.getcwd()
    for name in ("BESSEMER_LAB_DIR", "BESSEMER_BIN"):       # ours; the service would warn that they are no settings
        os.environ.pop(name, None)
    # The mirror of images is on this machine, from which nothing is fetched unless it is allowed.
    os.environ["BESSEMER_IMAGES_LOCAL_NETWORKS"] = "127.0.0.0/8"
    os.environ.update(BESSEMER_CONFIG=HERE + "/../lab.toml", BESSEMER_DB=here + "/bessemer.sqlite", BESSEMER_IMAGES_ROOTS=here + "/images",
                      BESSEMER_DEPLOY_KERNEL=here + "/ipa.kernel", BESSEMER_DEPLOY_RAMDISK=here + "/ipa.initramfs")
    process = spawn("service", *(shlex.split(o.instead) if o.instead else [o.service, "serve"]))
    wait_for_api(process, o.api, events)

    image = "image." + (o.image or ("raw" if o.firmware == "bios" else "qcow2"))
    source = o.source or ("http" if o.firmware == "bios" else "file")
    url = f"http://127.0.0.1:{MIRROR_PORT}/{image}" if source == "http" else f"file://{here}/images/{image}"
    node = {"name": "lab", "driver": "ipmi", "resource_class": "lab", "automated_clean": o.phase == "life",
            "driver_info": {"ipmi_address": ADDRESS, "ipmi_port": machine_module.BMC_PORT, "ipmi_username": machine_module.BMC_USER,
                            "ipmi_password": machine_module.BMC_PASSWORD, "ipmi_cipher_suite": "3"},      # all that ipmi_sim speaks
            "properties": {"cpu_arch": "x86_64", "capabilities": f"boot_mode:{o.firmware}"}}
    if o.phase == "care":
        node["rescue_interface"] = "agent"
    life = lifecycle.Life(events, machine, o.api, 300 if o.accel == "kvm" else 1200, node)
    life.enrol()
    life.manage()
    if o.phase == "life":
        life.inspect()
        life.provide()
    else:
        life.provision("provide", "provide", "available")
    life.allocate()
    life.deploy(url, f"images/{image}")
    if o.phase == "care":
        life.service()
        life.rescue()
        life.unrescue()
    if o.keep:
        stay(events)
    if o.phase == "life":
        life.undeploy()
        life.delete()


def stay(events):
    events.end()
    print(f"""
The machine runs its image; the lab stays until Ctrl-C. Look at it from another terminal:
  nsenter -t {os.environ['LAB_PID']} -n -- env OS_AUTH_TYPE=none OS_ENDPOINT={API} baremetal node list
  tail -f {os.getcwd()}/serial.log
""", flush=True)
    while True:
        time.sleep(3600)


def show_logs():
    for name, lines in LOGS:
        try:
            tail = [line for line in open(name, errors="replace") if "request method=GET" not in line][-lines:]     # that is our own asking
        except OSError:
            continue
        print(f"\n--- last lines of {name}")
        print("\n".join(line.rstrip()[:300] for line in tail))


def main():
    o = options()
    events = events_module.Events("events.log")
    signal.signal(signal.SIGINT, signal.default_int_handler)       # a shell's background job starts with it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(o, events)
    except KeyboardInterrupt:
        print(events.timeline())
        sys.exit(0 if o.keep else 130)
    except (lifecycle.Failed, OSError, subprocess.CalledProcessError) as e:
        events.note("lab", f"FAILED in {events.steps[-1][0] if events.steps else 'the beginning'}: {e}")
        show_logs()
        print(events.timeline())
        print(f"\nFAILED: {e}\nall logs: {os.getcwd()}", flush=True)
        sys.exit(1)
    print(events.timeline())
    print(f"\nproven: {o.firmware} machine, {PROVEN[o.phase]}, {events.now():.0f} s", flush=True)


main()
