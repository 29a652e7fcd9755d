"""The peer of the redaction figure: a plain walk over parsed JSON that redacts by the names of members.

Usage: redact.py FILE. Parses one document a line. Then, for every line on standard input, walks all of them once and
prints the seconds it took, so that both sides can take turns.
"""

import json
import sys
import time

PATTERNS = ("password", "secret", "token", "key", "api_key", "auth", "credential", "private")


def is_secret(name):
    folded = name.lower().replace("-", "").replace("_", "")
    return any(pattern.replace("_", "") in folded for pattern in PATTERNS)


def redacted(value):
    if isinstance(value, dict):
        result = {}
        for name, member in value.items():
            if is_secret(str(name)) and not isinstance(member, (dict, list)):
                result[name] = "[REDACTED]"
            else:
                result[name] = redacted(member)
        return result
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return value


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    for _ in sys.stdin:
        start = time.perf_counter()
        for document in documents:
            redacted(document)
        print(time.perf_counter() - start, flush=True)


main()
