#!/usr/bin/env python3
"""Runs ministack with three things of CloudFormation that version 1.5.33 leaves out, without which it does not take our
templates: the transforms of nested stacks, that `AWS::LanguageExtensions` puts in the values of parameters, and that a
resource of a nested stack that does not change keeps its attributes.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html#aws-languageextensions-considerations

usage: contract/emulator.py, with the environment that ministack is told by
needs: the Python that ministack is installed for
"""

import contextvars

from ministack.app import main
from ministack.services.cloudformation import engine, language_extensions, provisioners

provision, update = provisioners._provision_resource, provisioners._update_resource
attributes = {}
apply, parse, deploy = language_extensions.apply, engine._parse_template, provisioners._cfn_nested_stack_deploy
parameters_of_part = contextvars.ContextVar("parameters_of_part", default=None)


def literal(value, parameters):
    if isinstance(value, dict):
        if list(value) == ["Ref"] and value["Ref"] in parameters:
            return parameters[value["Ref"]]
        return {name: literal(inner, parameters) for name, inner in value.items()}
    return [literal(inner, parameters) for inner in value] if isinstance(value, list) else value


def apply_with_values(template, parameters):
    template = apply(template, parameters)
    sections = {name: literal(template[name], parameters) for name in ["Globals", "Resources"] if name in template}
    return {**template, **sections}


def parse_and_transform(text):
    template, parameters = parse(text), parameters_of_part.get()
    return template if parameters is None else engine._apply_transforms(template, parameters)


def deploy_transformed(logical_id, properties, *arguments, **more):
    parameters = (properties.get("Parameters") or {}).items()
    token = parameters_of_part.set([{"Key": name, "Value": str(value)} for name, value in parameters])
    try:
        return deploy(logical_id, properties, *arguments, **more)
    finally:
        parameters_of_part.reset(token)


def provision_and_remember(*arguments, **more):
    physical_id, found = provision(*arguments, **more)
    attributes[physical_id] = found
    return physical_id, found


def update_what_changed(kind, physical_id, old, new, *arguments, **more):
    if old == new and physical_id in attributes:
        return physical_id, attributes[physical_id]
    physical_id, found = update(kind, physical_id, old, new, *arguments, **more)
    attributes[physical_id] = {**attributes.get(physical_id, {}), **(found or {})}
    return physical_id, attributes[physical_id]


provisioners._provision_resource = provision_and_remember
provisioners._update_resource = update_what_changed
language_extensions.apply = apply_with_values
engine._parse_template = parse_and_transform
provisioners._cfn_nested_stack_deploy = deploy_transformed
main()
