# SPDX-License-Identifier: MIT
"""JSON Schema, the part of it that ours use, by the standard library alone; an unknown word in a
schema is an error."""
import re

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
}


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def known_type(schema, value):
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(TYPES[name](value) for name in names)


def members(schema, value):
    properties = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    names = schema.get("propertyNames", True)
    return all(valid(properties.get(key, rest), item) and valid(names, key)
               for key, item in value.items())


# word → whether the value obeys it
WORDS = {
    "type": known_type,
    "const": lambda s, v: v == s["const"] and not isinstance(v, bool),
    "enum": lambda s, v: v in s["enum"],
    "pattern": lambda s, v: not isinstance(v, str) or re.search(s["pattern"], v) is not None,
    "minLength": lambda s, v: not isinstance(v, str) or len(v) >= s["minLength"],
    "maxLength": lambda s, v: not isinstance(v, str) or len(v) <= s["maxLength"],
    "minimum": lambda s, v: not is_number(v) or v >= s["minimum"],
    "maximum": lambda s, v: not is_number(v) or v <= s["maximum"],
    "minItems": lambda s, v: not isinstance(v, list) or len(v) >= s["minItems"],
    "maxItems": lambda s, v: not isinstance(v, list) or len(v) <= s["maxItems"],
    "uniqueItems": lambda s, v: not isinstance(v, list) or len(set(v)) == len(v),
    "items": lambda s, v: not isinstance(v, list) or all(valid(s["items"], i) for i in v),
    "maxProperties": lambda s, v: not isinstance(v, dict) or len(v) <= s["maxProperties"],
    "properties": lambda s, v: not isinstance(v, dict) or members(s, v),
    "additionalProperties": lambda s, v: not isinstance(v, dict) or members(s, v),
    "propertyNames": lambda s, v: not isinstance(v, dict) or members(s, v),
    "required": lambda s, v: not isinstance(v, dict) or all(k in v for k in s["required"]),
    "anyOf": lambda s, v: any(valid(each, v) for each in s["anyOf"]),
    "oneOf": lambda s, v: sum(valid(each, v) for each in s["oneOf"]) == 1,
    "default": lambda s, v: True,
    "description": lambda s, v: True,
    "title": lambda s, v: True,
    "$schema": lambda s, v: True,
    "$id": lambda s, v: True,
}


def valid(schema, value):
    if isinstance(schema, bool):
        return schema
    return all(WORDS[word](schema, value) for word in schema)
