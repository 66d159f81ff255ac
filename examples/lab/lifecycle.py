"""One machine's life over the bare-metal REST API, step by step, each proven by what the machine did and not only by what the API says.

Speaks the API as any client of Ironic does, so it drives every implementation of it.
"""
import base64
import hashlib
import json
import subprocess
import time
import urllib.error
import urllib.request

VERSION = "1.87"                        # allocations, traits, automated_clean, config drive as an object, inventory


class Failed(Exception):
    pass


class Life:
    def __init__(self, events, machine, api, step_secs, node):
        self.events, self.machine, self.api, self.step_secs = events, machine, api, step_secs
        self.body = node
        self.uuid = None

    # -- the API ---------------------------------------------------------------------------
    def call(self, method, path, body=None):
        """The answer's JSON. A locked node (409) is asked again for half a minute, as every client does."""
        request = urllib.request.Request(self.api + path, method=method, data=None if body is None else json.dumps(body).encode())
        for name, value in (("X-OpenStack-Ironic-API-Version", VERSION), ("Content-Type", "application/json"), ("Accept", "application/json")):
            request.add_header(name, value)
        for attempt in range(30):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    data = answer.read()
                    return json.loads(data) if data else None
            except urllib.error.HTTPError as e:
                text = e.read().decode(errors="replace")
                if e.code not in (409, 503) or attempt == 29:
                    raise Failed(f"{method} {path}: {e.code} {text[:1000]}")
            except urllib.error.URLError as e:
                raise Failed(f"{method} {path}: {e.reason}")
            time.sleep(1)

    def wait(self, goal):
        """Until the node is in this state and free; anything that says failed ends it with its reason."""
        until, last = time.monotonic() + self.step_secs, None
        while True:
            node = self.call("GET", f"/v1/nodes/{self.uuid}")
            state = node["provision_state"]
            if state != last:
                step = (node.get("clean_step") or node.get("deploy_step") or {}).get("step")
                self.events.note("node", state + (f", step {step}" if step else ""))
                last = state
            if state == goal and not node.get("reservation"):
                return node
            if state == "error" or state.endswith(" failed"):
                raise Failed(f"{state}: {node.get('last_error')}")
            if state == "enroll" and goal != "enroll" and node.get("last_error"):
                raise Failed(f"still enroll: {node['last_error']}")
            if self.machine.stuck:
                raise Failed(self.machine.stuck)
            if time.monotonic() > until:
                raise Failed(f"not {goal} after {self.step_secs:.0f} s, but {state}: {node.get('last_error')}")
            time.sleep(0.2)

    def provision(self, step, verb, goal, **more):
        self.events.begin(step)
        self.call("PUT", f"/v1/nodes/{self.uuid}/states/provision", {"target": verb, **more})
        node = self.wait(goal)
        self.events.end()
        return node

    # -- the steps -------------------------------------------------------------------------
    def enrol(self):
        self.events.begin("enrol")
        node = self.call("POST", "/v1/nodes", self.body)
        self.uuid = node["uuid"]
        self.call("POST", "/v1/ports", {"node_uuid": self.uuid, "address": self.machine.mac})
        self.events.note("node", f"enrolled as {self.uuid}")

    def manage(self):
        node = self.provision("manage", "manage", "manageable")
        if node["power_state"] != "power off":
            raise Failed(f"the BMC was asked, and its power state is {node['power_state']}")

    def inspect(self):
        self.provision("inspect", "inspect", "manageable")
        inventory = self.call("GET", f"/v1/nodes/{self.uuid}/inventory")["inventory"]
        macs = [i["mac_address"] for i in inventory["interfaces"]]
        disks = [d["size"] for d in inventory["disks"]]
        if self.machine.mac not in macs:
            raise Failed(f"the inventory has {macs}, not the machine's {self.machine.mac}")
        self.events.note("node", f"inventory: {inventory['cpu']['count']} CPU, {inventory['memory']['physical_mb']} MB, disks of {disks} bytes")

    def provide(self):
        self.provision("clean", "provide", "available")
        self.proves_clean()

    def allocate(self):
        self.events.begin("allocate")
        name = self.call("POST", "/v1/allocations", {"name": "lab", "resource_class": "lab"})["uuid"]
        until = time.monotonic() + 30
        while (allocation := self.call("GET", f"/v1/allocations/{name}"))["state"] == "allocating" and time.monotonic() < until:
            time.sleep(0.1)
        if allocation["state"] != "active" or allocation["node_uuid"] != self.uuid:
            raise Failed(f"allocation: {json.dumps(allocation)}")
        self.events.note("node", "allocated")

    def deploy(self, source, path):
        """Deploys, then waits for the machine itself to say over the serial console what it booted and what its config drive holds."""
        with open(path, "rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        info = {"image_source": source, "image_os_hash_algo": "sha256", "image_os_hash_value": digest, "image_checksum": digest,
                "image_disk_format": path.rsplit(".", 1)[1], "image_type": "whole-disk"}
        self.call("PATCH", f"/v1/nodes/{self.uuid}", [{"op": "add", "path": f"/instance_info/{k}", "value": v} for k, v in info.items()])
        report = self.call("GET", f"/v1/nodes/{self.uuid}/validate")
        if bad := {k: v["reason"] for k, v in report.items() if k in ("boot", "deploy", "power", "management") and v["result"] is not True}:
            raise Failed(f"validate: {bad}")
        drive, before = self.config_drive(), self.machine.agents_with_tls
        self.provision("deploy", "active", "active", configdrive=drive)
        if self.machine.agents_with_tls == before:
            raise Failed("the agent that wrote the image did not serve TLS")
        self.drive = drive
        self.boots_image()

    def boots_image(self):
        """The machine itself says that it runs the image, with the config drive that was asked for."""
        self.events.begin("boot")
        self.until(lambda: self.events.stage("ready") is not None, "the deployed image did not say that it runs")
        self.events.end()
        self.proves_image(self.drive)

    def until(self, done, why):
        until = time.monotonic() + self.step_secs
        while not done():
            if self.machine.stuck or time.monotonic() > until:
                raise Failed(self.machine.stuck or why)
            time.sleep(0.1)

    def service(self):
        """A step of the agent's own, which here has nothing to inject; then the instance runs again."""
        before = self.machine.agents_with_tls
        steps = [{"interface": "deploy", "step": "inject_files", "args": {"files": []}}]
        self.provision("service", "service", "active", service_steps=steps)
        if self.machine.agents_with_tls == before:
            raise Failed("no agent ran the step")
        self.boots_image()

    def rescue(self):
        password = "lab " + base64.b32encode(str(time.time_ns()).encode()).decode()
        node = self.provision("rescue", "rescue", "rescue", rescue_password=password)
        if any("rescue_password" in key for key in node["instance_info"]):
            raise Failed(f"the password is still known: {list(node['instance_info'])}")
        self.until(lambda: self.machine.rescued_with, "the ramdisk did not say that it was rescued")
        _, kind, *settings, salt, _ = self.machine.rescued_with.split("$")
        salt = "$".join([*settings, salt])
        made = subprocess.run(["openssl", "passwd", "-" + kind, "-salt", salt, "-stdin"], input=password, capture_output=True, text=True, check=True)
        if made.stdout.strip() != self.machine.rescued_with:
            raise Failed(f"the hash on the machine, {self.machine.rescued_with}, is not the password's")
        self.events.note("proof", "the ramdisk lets in whoever knows the password, and nobody else knows it")

    def unrescue(self):
        self.provision("unrescue", "unrescue", "active")
        self.boots_image()

    def config_drive(self):
        """With a nonce, so that no earlier run's drive can pass, and with bytes that careless encodings break."""
        nonce = base64.b32encode(str(time.time_ns()).encode()).decode()
        return {"meta_data": {"hostname": "lab-machine", "lab_nonce": nonce, "public_keys": {"lab": "ssh-ed25519 AAAA lab"}},
                "user_data": f"#!/bin/sh\n# {nonce}\necho 'grüße, \"world\"' \\\n\ttab\n" + "filler " * 300,
                "network_data": {"links": [{"id": "l0", "type": "phy", "ethernet_mac_address": self.machine.mac}], "networks": [], "services": []}}

    def proves_image(self, drive):
        files = self.machine.files
        if self.machine.image_firmware != self.machine.firmware:
            raise Failed(f"the image booted by {self.machine.image_firmware}, the machine has {self.machine.firmware}")
        for name, expected in (("meta_data.json", drive["meta_data"]), ("network_data.json", drive["network_data"])):
            found = json.loads(files.get(name, b"null"))
            if not found or any(found.get(k) != v for k, v in expected.items()):
                raise Failed(f"config drive: {name} is {found}, expected {expected}")
        if files.get("user_data") != drive["user_data"].encode():
            raise Failed(f"config drive: user_data differs: {files.get('user_data')!r}")
        if json.loads(files["meta_data.json"]).get("uuid") != self.uuid:
            raise Failed(f"config drive: meta_data.json does not name the node: {files['meta_data.json']!r}")
        self.events.note("proof", f"the written image runs ({self.machine.firmware}), and its config drive is ours, byte for byte")

    def undeploy(self):
        self.provision("undeploy", "deleted", "available")
        self.proves_clean()

    def proves_clean(self):
        """The disk itself has no partition table any more, at neither end."""
        with open("disk.raw", "rb") as f:
            head = f.read(34 * 512)
            f.seek(-33 * 512, 2)
            if any(head) or any(f.read()):
                raise Failed("cleaned, but the disk still has something where partition tables are")
        if self.machine.command("power?") != "0":
            raise Failed("available, but the machine is still on")
        self.events.note("proof", "the disk has no partition table, the machine is off")

    def delete(self):
        self.events.begin("delete")
        self.call("DELETE", f"/v1/nodes/{self.uuid}")
        if self.call("GET", "/v1/nodes")["nodes"]:
            raise Failed("deleted, but the list of nodes is not empty")
        self.events.note("node", "deleted")
        self.events.end()
