"""Compares recorded answers with the API's description: status declared, media type declared, body as its
schema says. Also fails when a described operation was never tried. Usage: check_answers.py OPENAPI ANSWERS"""

import json
import re
import sys

from jsonschema import Draft202012Validator, FormatChecker


def operations(described):
    """Every operation with a pattern of the addresses it is meant by, those without parameters first."""
    for path, methods in sorted(described["paths"].items(), key=lambda item: item[0].count("{")):
        pattern = re.compile("".join("[^/:]+" if part.startswith("{") else re.escape(part)
                                     for part in re.split(r"(\{[^}]*\})", path)))
        for method, operation in methods.items():
            yield method.upper(), pattern, operation


def complaint(described, operation, answer):
    """What is wrong with an answer; None if nothing is."""
    responses = operation["responses"]
    declared = responses.get(str(answer["status"])) or responses.get(f"{answer['status'] // 100}XX")
    if declared is None:
        return "this status is not declared"
    if "content" not in declared:
        return None if answer["body"] is None else "a body that is not declared"
    media = (answer["type"] or "").split(";")[0]
    if media not in declared["content"]:
        return f"the media type {media!r} is not declared"
    if media != "application/json":
        return None
    schema = {"components": described["components"], **declared["content"][media]["schema"]}
    errors = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(answer["body"])
    return "; ".join(f"{error.json_path}: {error.message}" for error in errors) or None


def main():
    described, answers = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:3])
    known, tried, failed = list(operations(described)), set(), False
    for answer in answers:
        path = answer["path"].split("?")[0]
        fitting = [o for method, pattern, o in known if method == answer["method"] and pattern.fullmatch(path)]
        wrong = complaint(described, fitting[0], answer) if fitting else "this operation is not described"
        tried.update(operation["operationId"] for operation in fitting[:1])
        if wrong:
            failed = True
            print(f"{answer['method']} {answer['path']} {answer['status']}: {wrong}")
    # Only the machine's own control socket is answered; an answer that never ends is another area's.
    missing = {operation["operationId"] for _, _, operation in known} - tried - {"get_claim_code", "get_events"}
    if missing:
        print("described but never tried: " + ", ".join(sorted(missing)))
    sys.exit(1 if failed or missing else 0)


main()
