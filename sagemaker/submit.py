"""Building and sending the requests of a SageMaker batch: a transform or a processing job.

    python -m sagemaker.submit transform --ds 2026-06-30 --model seller-risk-3 \
        --input s3://bucket/snapshots/ds=2026-06-30/ --output s3://bucket/scores/ds=2026-06-30/
    ... --dry-run prints the request and sends nothing.

A job is named after the model, the date and the input, so that the same command again finds the
job that is there and starts no second one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sagemaker.rows import LINES, PARQUET

INSTANCE, INSTANCES = "ml.m5.xlarge", 1
MOST_SECONDS = 3_600
LARGEST_MB = 100  # of a request body


def job_name(model: str, ds: str, source: str) -> str:
    """At most 63 letters, digits and hyphens."""
    digest = hashlib.sha256(f"{model} {ds} {source}".encode()).hexdigest()[:10]
    return f"{model[:40]}-{ds}-{digest}"


def transform(model: str, ds: str, source: str, target: str) -> dict[str, Any]:
    """The request of `create_transform_job`: one Parquet file is one request body."""
    return {
        "TransformJobName": job_name(model, ds, source),
        "ModelName": model,
        "MaxPayloadInMB": LARGEST_MB,
        "MaxConcurrentTransforms": 1,
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": PARQUET, "SplitType": "None",
        },
        "TransformOutput": {"S3OutputPath": target, "Accept": LINES},
        "TransformResources": {"InstanceType": INSTANCE, "InstanceCount": INSTANCES},
        "Tags": [{"Key": "ds", "Value": ds}],
    }  # fmt: skip


def processing(model: str, ds: str, source: str, target: str, *, image: str, role: str,
               artefact: str, module: str = "process") -> dict[str, Any]:  # fmt: skip
    """The request of `create_processing_job`: model and rows in, scores (`process`) or segments
    (`assign`) and a summary out."""
    root = "/opt/ml/processing"
    inputs = {"model": (artefact, "/opt/ml/model"), "rows": (source, f"{root}/input")}
    return {
        "ProcessingJobName": job_name(model, ds, source),
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": ["python", "-m", f"sagemaker.{module}", "--ds", ds],
        },
        "ProcessingInputs": [
            {"InputName": name, "S3Input": {
                "S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File",
            }}
            for name, (uri, path) in inputs.items()
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "scores", "S3Output": {
            "S3Uri": target, "LocalPath": f"{root}/output", "S3UploadMode": "EndOfJob",
        }}]},
        "ProcessingResources": {"ClusterConfig": {
            "InstanceType": INSTANCE, "InstanceCount": INSTANCES, "VolumeSizeInGB": 30,
        }},
        "StoppingCondition": {"MaxRuntimeInSeconds": MOST_SECONDS},
        "Tags": [{"Key": "ds", "Value": ds}],
    }  # fmt: skip


def sent(client: Any, kind: str, request: Mapping[str, Any]) -> str:
    """Starts the job, or finds the one of that name; returns its ARN."""
    job = "TransformJob" if kind == "transform" else "ProcessingJob"
    create, describe = (getattr(client, f"{verb}_{kind}_job") for verb in ("create", "describe"))
    name = {f"{job}Name": request[f"{job}Name"]}
    try:
        return str(describe(**name)[f"{job}Arn"])
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
            raise
    try:
        return str(create(**request)[f"{job}Arn"])
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUse":  # started a moment ago
            raise
    return str(describe(**name)[f"{job}Arn"])


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    given = (options.model, options.ds, options.input, options.output)
    request = (
        transform(*given)
        if options.kind == "transform"
        else processing(
            *given,
            image=options.image,
            role=options.role,
            artefact=options.artefact,
            module=options.module,
        )
    )
    if options.dry_run:
        print(json.dumps(request, indent=1))
        return 0
    import boto3  # only where something is sent

    print(sent(boto3.client("sagemaker"), options.kind, request))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker.submit", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("transform", "processing"):
        one = kinds.add_parser(kind)
        one.add_argument("--model", required=True, help="name of the model in SageMaker")
        one.add_argument("--ds", required=True, type=_date, metavar="YYYY-MM-DD")
        one.add_argument("--input", required=True, type=_s3, metavar="S3_URI")
        one.add_argument("--output", required=True, type=_s3, metavar="S3_URI")
        if kind == "processing":
            for name in ("image", "role", "artefact"):
                one.add_argument(f"--{name}", required=True)
            one.add_argument(
                "--module",
                choices=("process", "assign"),
                default="process",
                help="scores of seller_risk, or segments; default: process",
            )
        one.add_argument("--dry-run", action="store_true")
    return parser


def _date(text: str) -> str:
    try:
        return str(date.fromisoformat(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-06-30") from None


def _s3(text: str) -> str:
    if not text.startswith("s3://"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an s3:// address")
    return text


if __name__ == "__main__":
    sys.exit(main())
