#!/usr/bin/env python3
"""scenarios/schema.json accepts what the loader accepts and rejects what it rejects, except for meaning.

The loader's half of the comparison is files_test.cc, over the same files. Usage: schema_test.py REPOSITORY
"""
import json
import pathlib
import re
import sys

import jsonschema
import yaml


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 core schema: `yes` and `on` are text. Duplicate keys are no business of a schema."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("merge", r"^<<$", ["<"]),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


def is_text_broken(error):
    return isinstance(error, (yaml.YAMLError, UnicodeDecodeError, RecursionError))


def main():
    root = pathlib.Path(sys.argv[1])
    schema = json.loads((root / "scenarios/schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    whole = jsonschema.Draft202012Validator(schema)
    site = jsonschema.Draft202012Validator({"$ref": "#/$defs/site", "$defs": schema["$defs"]})
    wrong = []
    checked = 0

    def check(folder, accepted):
        nonlocal checked
        for path in sorted((root / folder).rglob("*.yaml")):
            checked += 1
            validator = site if path.parent.name == "sites" else whole
            try:
                errors = [e.message for e in validator.iter_errors(yaml.load(path.read_bytes(), CoreLoader))]
            except Exception as error:  # pylint: disable=broad-except
                if not is_text_broken(error):
                    raise
                errors = [str(error)]
            if accepted and errors:
                wrong.append(f"{path.relative_to(root)}: rejected: {errors[0][:200]}")
            if not accepted and not errors and path.parent.name != "sites":
                wrong.append(f"{path.relative_to(root)}: accepted")

    check("scenarios", True)
    check("fixtures/scenarios/good", True)
    check("fixtures/scenarios/bad-meaning", True)
    check("fixtures/scenarios/bad", False)
    print("\n".join(wrong) or f"{checked} files agree")
    return 1 if wrong or checked < 60 else 0


sys.exit(main())
