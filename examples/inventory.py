#!/usr/bin/env python3
"""Enrols the machines of a CSV file, and says which it had already. Python's standard library only.

  examples/inventory.py machines.csv [URL]      columns: name,driver,resource_class,mac, and any driver_info key

Running it again changes nothing: names and MAC addresses are unique, and a 409 says that they are there.
"""
import csv
import json
import sys
import urllib.error
import urllib.request

PLAIN = ("name", "driver", "resource_class", "mac")


def call(url, method, path, body=None):
    """The status and the decoded answer."""
    request = urllib.request.Request(url + path, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header("Content-Type", "application/json")
    request.add_header("X-OpenStack-Ironic-API-Version", "1.80")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or "{}")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(json.loads(refused.read())["error_message"])


def enrol(url, row):
    """Creates the node and its port; a word about what happened."""
    node = {key: row[key] for key in ("name", "driver", "resource_class") if row.get(key)}
    node["driver_info"] = {key: value for key, value in row.items() if key not in PLAIN and value}
    status, answer = call(url, "POST", "/v1/nodes", node)
    if status == 409:
        return "known already"
    if status != 201:
        return "refused: " + answer["faultstring"]
    status, port = call(url, "POST", "/v1/ports", {"node_uuid": answer["uuid"], "address": row["mac"]})
    return "enrolled" if status == 201 else "enrolled, but its port was refused: " + port["faultstring"]


def main():
    url = (sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:6385").rstrip("/")
    with open(sys.argv[1], newline="") as machines:
        results = [(row["name"], enrol(url, row)) for row in csv.DictReader(machines)]
    for name, result in results:
        print(f"{name}: {result}")
    return 1 if any("refused" in result for _, result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
