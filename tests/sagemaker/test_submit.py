"""The requests of SageMaker jobs, sent to a stand-in that checks them as the service does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sagemaker import submit

GIVEN = ("seller-risk-3", "2026-06-30", "s3://bucket/snapshots/", "s3://bucket/scores/")
PLACE = {
    "image": "1.dkr.ecr.us-east-1.amazonaws.com/seller-risk:3",
    "role": "arn:aws:iam::123456789012:role/scorer",
    "artefact": "s3://bucket/model/",
}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client("sagemaker")


def test_a_transform_is_started_once(client: Any) -> None:
    request = submit.transform(*GIVEN)
    arn = submit.sent(client, "transform", request)
    assert submit.sent(client, "transform", request) == arn
    found = client.describe_transform_job(TransformJobName=request["TransformJobName"])
    assert found["ModelName"] == "seller-risk-3"
    assert found["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == GIVEN[2]
    assert len(client.list_transform_jobs()["TransformJobSummaries"]) == 1


def test_a_processing_job_is_started_once(client: Any) -> None:
    request = submit.processing(*GIVEN, **PLACE)
    arn = submit.sent(client, "processing", request)
    assert submit.sent(client, "processing", request) == arn
    found = client.describe_processing_job(ProcessingJobName=request["ProcessingJobName"])
    assert found["AppSpecification"]["ContainerEntrypoint"][-2:] == ["--ds", "2026-06-30"]
    assert len(client.list_processing_jobs()["ProcessingJobSummaries"]) == 1


def test_another_date_or_input_is_another_job() -> None:
    names = {
        submit.job_name("m" * 60, ds, source)
        for ds in ("2026-06-29", "2026-06-30")
        for source in ("s3://a/", "s3://b/")
    }
    assert len(names) == 4
    assert all(len(name) <= 63 for name in names)


def test_the_command_sends_nothing_when_it_is_only_asked(
    client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", GIVEN[0], "--ds", GIVEN[1], "--input", GIVEN[2], "--output", GIVEN[3]]
    assert submit.main(["transform", *options, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out) == submit.transform(*GIVEN)
    assert client.list_transform_jobs()["TransformJobSummaries"] == []
    assert submit.main(["transform", *options]) == 0
    assert "arn:aws:sagemaker" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(["--ds", "yesterday"], "not a date"), (["--input", "/snapshots"], "not an s3:// address")],
)
def test_wrong_arguments_are_said_before_anything_is_sent(
    wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", GIVEN[0], "--ds", GIVEN[1], "--input", GIVEN[2], "--output", GIVEN[3]]
    with pytest.raises(SystemExit) as ended:
        submit.main(["transform", *options, *wrong])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
