#!/bin/sh
# SageMaker starts a transform container as `serve`; a processing job names its own command.
set -eu
if [ "${1:-serve}" = serve ]; then
    exec gunicorn "sagemaker.serve:app('${MODEL_DIR:-/opt/ml/model}')" --bind "0.0.0.0:${PORT:-8080}" \
        --workers "${WORKERS:-1}" --timeout 600
fi
exec "$@"
