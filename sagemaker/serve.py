"""Batch transform: answers /ping, and scores what is posted to /invocations.

gunicorn "sagemaker.serve:app('/opt/ml/model')" --bind 0.0.0.0:8080
"""

from __future__ import annotations

import json
from pathlib import Path

from flask import Flask, Response, request

from ml.seller_risk.model import read
from sagemaker.rows import LINES, BadRows, parsed, written


def app(folder: str) -> Flask:
    """The server of a model's folder; the files are checked before it answers."""
    model = read(Path(folder))
    server = Flask("seller_risk")

    @server.get("/ping")
    def ping() -> Response:
        return Response(status=200)

    @server.post("/invocations")
    def invocations() -> Response:
        try:
            rows = parsed(request.get_data(), request.content_type or "")
        except BadRows as error:
            return Response(json.dumps({"error": str(error)}), 400, mimetype="application/json")
        body, form = written(model.scores(rows), request.headers.get("Accept", LINES))
        return Response(body, 200, content_type=form)

    return server
