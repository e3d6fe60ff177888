#!/usr/bin/env python3
"""The record in fixtures/report fits its schema, and one with a member too many, too few or wrong does not.
Usage: schema_test.py REPOSITORY
"""
import copy
import json
import pathlib
import sys

import jsonschema

root = pathlib.Path(sys.argv[1])
schema = json.loads((root / "harness/report/run.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
record = json.loads((root / "fixtures/report/run.json").read_text())
wrong = [f"{list(e.path)}: {e.message[:120]}" for e in validator.iter_errors(record)]


def spoiled(change):
    other = copy.deepcopy(record)
    change(other)
    return other


for name, change in {
    "an unknown member": lambda r: r.update(more=1),
    "no attempts": lambda r: r.pop("attempts"),
    "another format": lambda r: r.update(format=2),
    "an unknown outcome": lambda r: r["attempts"][0].update(outcome="splendid"),
    "a client without rungs": lambda r: r["attempts"][0]["clients"][0].pop("rungs"),
    "a story line without a time": lambda r: r["attempts"][0]["story"][0].pop(0),
}.items():
    if not list(validator.iter_errors(spoiled(change))):
        wrong.append("accepted: " + name)
print("\n".join(wrong) or "the record fits")
sys.exit(1 if wrong else 0)
