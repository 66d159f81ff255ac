"""What happened, on one clock: every part of the lab notes events here, and the timeline at the end reads them back.

An event that marks a stage of a boot (STAGES) is counted from the last power-on. A person at a terminal sees each event as it
happens and, below, how long the present step has taken; a log file gets the events alone.
"""
import sys
import threading
import time

# stages of one boot, in the order in which they are shown
STAGES = {
    "dhcp": "address by DHCP",
    "tftp": "boot loader by TFTP",
    "script": "boot script asked for",
    "ramdisk": "ramdisk runs",
    "agent": "agent starts",
    "lookup": "agent calls home",
    "heartbeat": "agent ready for orders",
    "write": "image: writing begins",
    "written": "image: written",
    "rescued": "its owner may log in",
    "off": "powered off",
    "image": "deployed image runs",
    "ready": "config drive read",
}


class Events:
    def __init__(self, log_path):
        self.began = time.monotonic()
        self.lock = threading.Condition()
        self.boots = []                 # one per power-on: {"why", "at", stage: seconds since power-on}
        self.steps = []                 # [name, seconds]; seconds is None while it runs
        self.step_began = self.began
        self.log = open(log_path, "w", buffering=1)
        self.live = sys.stdout.isatty()
        if self.live:
            threading.Thread(target=self.tick, daemon=True).start()

    def now(self):
        return time.monotonic() - self.began

    def note(self, source, text, stage=None):
        """One line; with a stage, the first of its kind since the last power-on also goes into the timeline."""
        with self.lock:
            line = f"{self.now():7.1f}  {source:8} {text}"
            self.log.write(line + "\n")
            print(("\r\x1b[K" if self.live else "") + line, flush=True)
            if stage and self.boots:
                self.boots[-1].setdefault(stage, time.monotonic() - self.boots[-1]["at"])
            self.lock.notify_all()

    def power_on(self):
        with self.lock:
            why = self.steps[-1][0] if self.steps else ""
            if self.boots and self.boots[-1]["why"] == why == "deploy":
                why = "image"           # the second boot of a deployment is from the written disk
            self.boots.append({"why": why, "at": time.monotonic()})

    def stage(self, name):
        """Seconds from power-on to this stage of the present boot, or None."""
        with self.lock:
            return self.boots[-1].get(name) if self.boots else None

    def begin(self, step):
        with self.lock:
            self.end()
            self.steps.append([step, None])
            self.step_began = time.monotonic()

    def end(self):
        """The present step is over; asked twice, the first counts."""
        with self.lock:
            if self.steps and self.steps[-1][1] is None:
                self.steps[-1][1] = time.monotonic() - self.step_began

    def tick(self):
        """The last line of a terminal: what runs now, and for how long."""
        while True:
            time.sleep(0.5)
            with self.lock:
                if self.steps and self.steps[-1][1] is None:
                    print(f"\r\x1b[K         … {self.steps[-1][0]}, {time.monotonic() - self.step_began:.0f} s", end="", flush=True)

    def timeline(self):
        """Two tables: every boot, stage by stage, and the whole steps."""
        if not self.boots:
            return ""
        out = ["", "seconds since power-on" + " " * 8 + "".join(f"{b['why']:>10}" for b in self.boots)]
        for key, label in STAGES.items():
            if any(key in b for b in self.boots):
                out.append(f"  {label:28}" + "".join(f"{b[key]:10.1f}" if key in b else f"{'·':>10}" for b in self.boots))
        out += ["", "whole steps, seconds"]
        out += [f"  {name:28}{seconds:10.1f}" for name, seconds in self.steps if seconds is not None]
        out.append(f"  {'all':28}{self.now():10.1f}")
        return "\n".join(out)
