"""One machine: QEMU with a power button, and ipmi_sim in front of it as its BMC.

QEMU is the machine that is switched on: "off" is no process. A guest that reboots ends its process (`-action reboot=shutdown`)
and a new one starts, so that each power-on reads the boot device that was set before, as firmware does. The BMC reaches us by one
line of text over a loopback TCP connection (see `ipmi-chassis`); ipmi_sim passes on neither "persistent" nor "valid" of the boot
flags, so a boot device stays until another is set.
"""
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BMC_USER, BMC_PASSWORD, BMC_PORT = "lab", "lab-pass", 6230
CONTROL_PORT = 6200                     # what ipmi-chassis connects to; the namespace is ours alone
DISK_BYTES = 5 << 30                    # sparse; the agent refuses root disks below 4 GiB
MEMORY_MB = 1536
# lines of the serial console that mark a stage
MARKS = [
    ("LAB ramdisk: system up", "ramdisk"), ("Starting ironic-python-agent", "agent"),
    ("execute_deploy_step started", "write"), ("Image streamed onto", "written"), ("written to device", "written"),
    ("LAB ramdisk: rescued with", "rescued"), ("LAB image: up", "image"), ("LAB image: ready", "ready"),
]
# lines after which a boot never gets anywhere: better told now than after a deadline
DEAD_ENDS = [
    ("No bootable device", "the firmware found nothing to boot from"), ("Failed to perform inspection", "the agent's inspection report was refused"),
    ("Kernel panic", "the kernel panicked"), ("LookupNodeError", "the agent was not told which node it is on"),
]
# lines worth showing while it runs: ours, and the agent's own account of its work
SHOWN = re.compile(r"LAB |Starting ironic-python-agent|Lookup succeeded|Started API service|command \S+ (started|completed)|Image streamed"
                   r"|written to device|metadata on .* destroyed|Kernel panic|Traceback| ERROR | CRITICAL ")


class Machine:
    def __init__(self, events, firmware, accel, mac, tap, address):
        self.events, self.firmware, self.accel, self.mac, self.tap, self.address = events, firmware, accel, mac, tap, address
        self.lock = threading.RLock()
        self.process, self.asking, self.guest_reset, self.boot = None, None, False, "none"
        self.files = {}                 # what the deployed image read from its config drive in this boot
        self.image_firmware = None
        self.agents_with_tls = 0
        self.rescued_with = None        # the hash with which the rescue ramdisk lets its owner in
        self.stuck = None               # why this boot can never go on
        self.serial_log = open("serial.log", "ab", buffering=0)
        with open("disk.raw", "wb") as f:
            f.truncate(DISK_BYTES)
        if firmware == "uefi":
            shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", "nvram.fd")
        self.serial, self.monitor = self.unix("serial.sock"), self.unix("monitor.sock")
        control = socket.create_server(("127.0.0.1", CONTROL_PORT))
        for loop, listener in ((self.serve_serial, self.serial), (self.serve_monitor, self.monitor), (self.serve_control, control)):
            threading.Thread(target=self.accept, args=(listener, loop), daemon=True).start()

    @staticmethod
    def unix(name):
        if os.path.exists(name):
            os.unlink(name)
        s = socket.socket(socket.AF_UNIX)
        s.bind(name)                    # relative: a long scratch path would not fit into a socket address
        s.listen(4)
        return s

    @staticmethod
    def accept(listener, serve):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    # -- the BMC ---------------------------------------------------------------------------
    def start_bmc(self, spawn):
        """ipmi_sim on the lab's address. Its user and password are short: it refuses 16 characters beside 20."""
        os.makedirs("bmc", exist_ok=True)
        with open("chassis", "w") as f:
            f.write(f"#!/bin/sh\nexec bash '{HERE}/ipmi-chassis' {CONTROL_PORT} \"$@\"\n")
        os.chmod("chassis", 0o755)
        with open("bmc.conf", "w") as f:
            f.write(f"""name "lab"
set_working_mc 0x20
  startlan 1
    addr {self.address} {BMC_PORT}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcd01
  endlan
  chassis_control "./chassis"
  user 1 false "" "" user 10 none md2 md5 straight
  user 2 true "{BMC_USER}" "{BMC_PASSWORD}" admin 10 none md2 md5 straight
""")
        with open("bmc.emu", "w") as f:
            f.write("mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\n"
                    "sel_enable 0x20 1000 0x0a\nmc_enable 0x20\n")
        spawn("bmc", "ipmi_sim", "-n", "-c", "bmc.conf", "-f", "bmc.emu", "-s", "bmc")

    def serve_control(self, connection):
        with connection:
            words = connection.makefile("r").readline().split()
            if words:
                connection.sendall((self.command(*words) + "\n").encode())

    def command(self, name, *args):
        with self.lock:
            if name == "power?":
                return "1" if self.process else "0"
            if name == "boot?":
                return self.boot
            if name == "boot":
                self.boot = args[0]
                self.events.note("bmc", f"boot device {args[0]}")
            elif name == "on" and not self.process:
                self.launch()
            elif name == "off":
                self.kill("by the BMC")
            elif name == "reset" and self.process:
                self.kill("by the BMC, for a reset")
                self.launch()
            elif name == "soft":
                self.events.note("bmc", "asks the system to shut down")
                self.ask_monitor("system_powerdown")
            return "ok"

    # -- QEMU ------------------------------------------------------------------------------
    def arguments(self):
        uefi = self.firmware == "uefi"
        # IPMI's "default" is the default hard disk; without an override SeaBIOS tries disk, then network, and OVMF its own list
        order = {"pxe": ["network"], "default": ["disk"], "none": [] if uefi else ["disk", "network"]}.get(self.boot, [])

        def index(device):
            return f",bootindex={order.index(device) + 1}" if device in order else ""
        cpu = ["-accel", "kvm", "-cpu", "host"] if self.accel == "kvm" else \
            ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off"]     # five-level page tables cost twice under emulation
        # OVMF has a PXE client of its own, which asks for a boot loader by TFTP; BIOS has only the iPXE in the card's ROM
        rom = ",romfile=" if uefi else ""
        flash = ["-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
                 "-drive", "if=pflash,unit=1,format=raw,file=nvram.fd"] if uefi else []
        return ["qemu-system-x86_64", "-name", "lab", "-nodefaults", "-display", "none", "-m", str(MEMORY_MB), "-machine", "pc,graphics=off", *cpu,
                "-uuid", "00000000-0000-4000-8000-" + self.mac.replace(":", ""), "-smbios", "type=1,manufacturer=Lab,product=Machine,serial=LAB1",
                "-action", "reboot=shutdown,shutdown=poweroff", *(["-boot", "strict=on"] if order else []),
                "-chardev", "socket,id=monitor,path=monitor.sock", "-mon", "chardev=monitor,mode=control",
                "-chardev", "socket,id=serial,path=serial.sock", "-serial", "chardev:serial",
                "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev=net,mac={self.mac}{rom}" + index("network"),
                "-drive", "if=none,id=disk,file=disk.raw,format=raw,cache=unsafe,discard=unmap",
                "-device", "virtio-blk-pci,drive=disk,serial=LABDISK1" + index("disk"),
                "-device", "virtio-rng-pci", *flash]

    def launch(self):
        self.guest_reset, self.files, self.image_firmware, self.rescued_with, self.stuck = False, {}, None, None, None
        self.events.power_on()
        self.events.note("machine", f"power on, boot device {self.boot}")
        self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=open("qemu.log", "ab"), stderr=subprocess.STDOUT)
        threading.Thread(target=self.watch, args=(self.process,), daemon=True).start()

    def watch(self, process):
        code = process.wait()
        time.sleep(0.1)                 # the monitor's last word says whether this was a reset
        with self.lock:
            if process is not self.process:
                return
            self.process = None
            if self.guest_reset:
                self.events.note("machine", "the system rebooted")
                self.launch()
            else:
                self.events.note("machine", "powered off by its system" if code == 0 else f"QEMU ended with {code}, see qemu.log", "off")

    def kill(self, why):
        process, self.process = self.process, None
        if process:
            process.kill()
            process.wait()
            self.events.note("machine", f"powered off {why}", "off")

    def serve_monitor(self, connection):
        with self.lock:
            self.asking = connection
        try:
            for line in connection.makefile("r"):
                message = json.loads(line)
                if "QMP" in message:
                    connection.sendall(b'{"execute":"qmp_capabilities"}\n')
                if message.get("event") == "SHUTDOWN":
                    self.guest_reset = message["data"].get("reason") == "guest-reset"
        except (OSError, ValueError):
            pass                        # the process was killed; watch() tells of it

    def ask_monitor(self, command):
        try:
            self.asking.sendall((json.dumps({"execute": command}) + "\n").encode())
        except (OSError, AttributeError):
            pass                        # off already

    # -- the serial console ----------------------------------------------------------------
    def serve_serial(self, connection):
        rest = b""
        try:
            while data := connection.recv(65536):
                *lines, rest = re.split(rb"[\r\n]+", rest + data)
                for line in lines:
                    self.console(re.sub(rb"\x1b\[[0-9;=?]*[A-Za-z]|\x1b.", b"", line).decode(errors="replace").strip())
        except OSError:
            pass                        # the process was killed

    def console(self, line):
        if not line:
            return
        self.serial_log.write(f"{self.events.now():8.2f} {line}\n".encode())
        if m := re.match(r".*LAB image: file (\S+) (\S*)$", line):
            try:
                self.files[m[1]] = base64.b64decode(m[2], validate=True)
            except ValueError:
                self.files[m[1]] = b"(came garbled over the serial line)"
            line = f"LAB image: config drive has {m[1]}, {len(self.files[m[1]])} bytes"
        if m := re.search(r"LAB image: up firmware=(\S+)", line):
            self.image_firmware = m[1]
        if m := re.search(r"LAB ramdisk: rescued with (\S+)", line):
            self.rescued_with = m[1]
        self.stuck = self.stuck or next((why for needle, why in DEAD_ENDS if needle in line), None)
        if "Started API service with TLS" in line:
            self.agents_with_tls += 1
        stage = next((stage for needle, stage in MARKS if needle in line), None)
        if stage or SHOWN.search(line):
            self.events.note("console", re.sub(r"^.*?(?=LAB )|^[-\d: .]+ \d+ INFO ironic_python_agent\S* \[-\] ", "", line)[:150], stage)
