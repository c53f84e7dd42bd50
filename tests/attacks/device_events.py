# SPDX-License-Identifier: MIT
"""The event log of a device: its lines follow the schema that fwpack prints and docs/events.md
tells, whatever names are in them (A25), and nothing that happens to the file stops an update."""
import json
import os
import re
import sys

from devices import DeviceTest
from harness import HERE, main

sys.path.append(os.path.join(HERE, "../cli"))
from json_schema import valid  # noqa: E402: beside the other users of schemas

DOCUMENT = os.path.join(HERE, "../../docs/events.md")


def members(event):
    """An event's data with what stands in it, as dotted names."""
    for name, value in event["data"].items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in value)


class Events(DeviceTest):
    def setUp(self):
        super().setUp()
        self.schema = self.succeed("schema", "events", "--json").json["event_schema"]
        self.known = {one["properties"]["type"]["const"]: one["properties"]["data"]
                      for one in self.schema["oneOf"]}

    def events(self, name="state/events.jsonl"):
        for line in self.read(name).decode().splitlines():
            event = json.loads(line)
            self.assertTrue(valid(self.schema, event), line)
            for member in event["data"]:
                self.assertIn(member, self.known[event["type"]]["properties"], line)
            yield event

    def live(self):
        """All that can happen to a device."""
        self.configure(f"health: [{{name: app, command: [{self.script('check', 'exit 0')}]}}]\n")
        self.configure("policy: {battery: {minimum: 5, file: battery}}\n")
        self.write("battery", b"80\n")
        self.update("v1-v2.fwb", 2)
        self.device("install", "v1.fwb")
        self.do("rollback", "--reason", "no tea")
        self.start_device()
        self.do("install", "v3.fwb")
        for _ in range(4):
            self.start_device()
        self.script("check", "exit 1")
        self.do("install", "v3.fwb", "--retry")
        self.start_device()
        self.device("confirm")

    def test_each_line_follows_the_schema(self):
        self.live()
        events = list(self.events())
        seen = {event["type"] for event in events}
        self.assertEqual(seen, set(self.known))
        ids = [event["id"] for event in events]
        self.assertEqual(len(set(ids)), len(ids))
        numbers = [event["sequence"] for event in events]
        self.assertEqual(numbers, sorted(set(numbers)))
        for event in events:
            version = event["data"].get("version") or event["subject"].partition("/")[2]
            started = event["type"] == "fwpack.install.started"  # nobody has looked into it yet
            self.assertEqual(event["subject"], "acme-gateway" if started else
                             f"acme-gateway/{version}", event)
            self.assertTrue(started or version, event)
        finished = [e["data"] for e in events if e["type"] == "fwpack.install.finished"]
        self.assertTrue(all(data["battery_before"] == 80 for data in finished[1:]))
        self.assertTrue(any(data["transferred"] < data["full_size"] for data in finished))

    def test_the_document_tells_the_same(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            rows = re.findall(r"^\| `([a-z.-]+)` \| [^|]+ \| ([^|]+) \|$", file.read(), re.M)
        told = {f"fwpack.{name}": text for name, text in rows}
        self.assertEqual(set(told), set(self.known))
        for name, data in self.known.items():
            optional = {n for n in data["properties"] if n not in data["required"]}
            text = told[name]
            if name == "fwpack.install.failed":  # "the same, and `error`"
                text = told["fwpack.install.finished"] + re.sub("`(id|exit|message)`", "", text)
            words = set(re.findall(r"`(\w+)`", text))
            self.assertEqual(words, set(data["properties"]), name)
            self.assertEqual(set(re.findall(r"\[`(\w+)`\]", text)), optional, name)

    def test_the_answers_are_documented(self):
        """What --json prints has the members that docs/device.md tells of, at each level."""
        with open(os.path.join(os.path.dirname(DOCUMENT), "device.md"), encoding="utf-8") as file:
            text = file.read().split("## What the commands answer")[1].split("\n## ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.M))
        told = set(re.findall(r"`(\w+)`", text))
        self.live()
        self.start_device()
        for command in ("install", "status", "boot", "confirm", "rollback"):
            arguments = {"install": ("v3.fwb", "--retry"), "boot": ("--target", "rootfs")}
            answer = self.device(command, *arguments.get(command, ()), "--json").json
            self.assertEqual(set(answer) - {"schema", "ok", "error"},
                             set(re.findall(r"`(\w+)`", rows.pop(command))), command)
            for name, value in answer.items():
                inner = value[0] if isinstance(value, list) and value else value
                if isinstance(inner, dict) and name != "error":
                    self.assertLessEqual(set(inner), told, f"{command}: {name}")
        self.assertFalse(rows)

    def test_a25_names_are_no_lines(self):
        forged = 'x\n{"specversion":"1.0","type":"fwpack.confirm"}\n\x1b[2J\u202e"\\.fwb'
        os.rename(self.path("v2.fwb"), self.path(forged))
        self.do("install", forged)
        self.do("rollback", "--reason", forged)
        events = list(self.events())
        self.assertIn(forged, [event["data"].get("source") for event in events])
        self.assertTrue(self.read("state/events.jsonl").isascii() or
                        b"\x1b" not in self.read("state/events.jsonl"))

    def check_lost(self, path):
        self.configure(f"events: {{file: {path}}}\n")
        result = self.do("install", "v2.fwb")
        self.assertEqual(result.text.count("events are lost"), 1, repr(result))
        self.check_message(result.text)
        self.assertEqual((self.start_device(), self.release_in("A")), ("A", 2))
        self.do("confirm")

    def test_the_log_never_fails_an_update(self):
        self.check_lost("none/events.jsonl")

    def test_a106_a_full_disk(self):
        self.check_lost("/dev/full")

    def test_a_log_that_is_a_folder(self):
        os.mkdir(self.path("events"))
        self.check_lost("events")

    def test_a_log_that_nobody_reads(self):
        """A FIFO holds nobody up, and nothing is lost with its reader."""
        os.mkfifo(self.path("events"))
        self.configure("events: {file: events}\n")
        self.do("install", "v2.fwb")
        self.assertEqual(self.start_device(), "A")

    def test_it_stays_small(self):
        self.configure("events: {size: 4KiB, keep: 2}\n")
        for _ in range(12):
            self.do("install", "v2.fwb", "--retry")
            self.do("rollback")
        names = sorted(n for n in os.listdir(self.path("state")) if n.startswith("events"))
        self.assertEqual(names, ["events.jsonl", "events.jsonl.1", "events.jsonl.2"])
        numbers = []
        for name in reversed(names):
            self.assertLessEqual(len(self.read("state/" + name)), 4096)
            numbers += [int(event["sequence"]) for event in self.events("state/" + name)]
        self.assertEqual(numbers, list(range(numbers[0], numbers[-1] + 1)))


if __name__ == "__main__":
    main()
