#!/usr/bin/env python3
"""Looks whether `sam build` knows the processor of every function, as it resolves the templates before it builds anything.

usage: contract/buildable.py
needs: the Python that SAM is installed for

To SAM, a `Ref` in a part that is switched off refers to nothing, and it builds such a part all the same: with no processor the whole
build fails.
"""

import logging
import os
import sys
from pathlib import Path

logging.disable(logging.WARNING)  # SAM logs what it would have looked up at AWS
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # SAM asks for one, and nothing here depends on it

from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider  # noqa: E402

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
OF_PYTHON = {"ReleaseCheckFunction"}  # It runs on either.

wrong, seen = [], 0
for processor in ["arm64", "x86_64"]:
    overrides = {"Architecture": processor}
    stacks, _ = SamLocalStackProvider.get_stacks(str(TEMPLATE), parameter_overrides=overrides, language_extensions_enabled=True)
    for stack in stacks:
        for name, resource in stack.resources.items():
            if resource["Type"] == "AWS::Serverless::Function" and name not in OF_PYTHON:
                seen += 1
                if resource["Properties"].get("Architectures") != [processor]:
                    wrong.append(f"{stack.stack_path}/{name} with Architecture={processor}: {resource['Properties'].get('Architectures')}")
if wrong or not seen:
    sys.exit("\n".join(["FAIL  SAM does not know the processor of", *wrong]))
print(f"ok    SAM knows the processor of {seen // 2} functions")
