#!/usr/bin/env python3
"""Writes contract/metrics.json anew: the metrics that AWS reports, each with the sets of dimensions that it has.

The names of metrics are nothing that CloudFormation or CloudWatch checks: an alarm on a name that does not exist is
accepted, and never rings. So crates/local/tests/watching.rs looks every one of them up in that file, which comes from the
directory that AWS's own console goes by, as the CDK publishes it.

needs: npm, and a registry to fetch one package from
"""

import gzip
import json
import pathlib
import subprocess
import tarfile
import tempfile

PACKAGE = "@aws-cdk/aws-service-spec"
VERSION = "0.1.216"

# The namespaces that a template may name, with the page that describes each.
DOCUMENTED = {
    "AWS/ApiGateway": "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html",
    "AWS/DynamoDB": "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html",
    "AWS/Lambda": "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
    "AWS/SQS": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html",
}

# The package knows only the metrics of risk of this one, so these are copied from the page by hand.
BY_HAND = {
    "AWS/Cognito": {
        "documentation": "https://docs.aws.amazon.com/cognito/latest/developerguide/metrics-for-cognito-user-pools.html",
        "source": "the documentation, by hand",
        "metrics": {
            name: [["UserPool", "UserPoolClient"]]
            for name in [
                "SignInSuccesses",
                "SignInThrottles",
                "SignUpSuccesses",
                "SignUpThrottles",
                "TokenRefreshSuccesses",
                "TokenRefreshThrottles",
            ]
        },
    }
}


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", folder, f"{PACKAGE}@{VERSION}"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = pathlib.Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            database = json.loads(gzip.decompress(package.extractfile("package/db.json.gz").read()))["schema"]
    sets = {found["$id"]: sorted(d["name"] for d in found["dimensions"]) for found in database["dimensionSet"]["entities"]}
    uses = database["usesDimensionSet"]["forward"]
    directory = dict(BY_HAND)
    for namespace, page in DOCUMENTED.items():
        metrics = {}
        for metric in database["metric"]["entities"]:
            if metric["namespace"] == namespace:
                # One set may stand there several times, each with another value of a dimension.
                found = {tuple(sets[use["$id"]]) for use in uses.get(metric["$id"], [])}
                metrics[metric["name"]] = sorted(map(list, found))
        source = f"{PACKAGE} {VERSION} (https://github.com/cdklabs/awscdk-service-spec)"
        directory[namespace] = {"documentation": page, "source": source, "metrics": metrics}
    # A metric a line, so that a change of one shows as one.
    lines = []
    for namespace, entry in sorted(directory.items()):
        metrics = ",\n".join(f"      {json.dumps(name)}: {json.dumps(sets)}" for name, sets in sorted(entry["metrics"].items()))
        lines.append(
            f"  {json.dumps(namespace)}: {{\n"
            f'    "documentation": {json.dumps(entry["documentation"])},\n'
            f'    "source": {json.dumps(entry["source"])},\n'
            f'    "metrics": {{\n{metrics}\n    }}\n  }}'
        )
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
