#!/usr/bin/env bash
# Submits one job: spark-submit.sh JOB [--env ENV] [ARGUMENT...]; `list` and `--help` start no JVM.
# Standard output is the job's alone (its last line is a JSON object), and so is the exit code.
# The working directory stays the caller's, so relative paths mean what they say.
set -euo pipefail

HERE=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
PYTHON=${MARKETPLACE_PYTHON:-$HERE/.venv/bin/python}

if [[ ! -x $PYTHON ]]; then
    echo "There is no Python environment at $PYTHON: run \`make env\` in $HERE." >&2
    exit 1
fi

# Neither the caller's Python settings nor the caller's folder decide what gets imported.
unset PYTHONHOME PYTHONSTARTUP
export PYTHONSAFEPATH=1 PYTHONPATH=$HERE PYSPARK_PYTHON=$PYTHON PYSPARK_DRIVER_PYTHON=$PYTHON

env=local
previous=
starts_spark=$# # without arguments the job list is all there is to show
for argument in "$@"; do
    case $argument in
    -h | --help) starts_spark=0 ;;
    --env=*) env=${argument#--env=} ;;
    *) [[ $previous != --env ]] || env=$argument ;;
    esac
    previous=$argument
done
if [[ $starts_spark == 0 || $1 == list ]]; then
    exec "$PYTHON" -m jobs "$@"
fi

"$PYTHON" "$HERE/bootstrap/jars.py" --check
settings=$("$PYTHON" -m conf.settings spark-args --env "$env")
mapfile -t settings <<<"$settings"
project=$("$PYTHON" "$HERE/bootstrap/wheel.py")
jars=$(printf '%s,' "$HERE"/jars/*.jar)
SPARK_HOME=$("$PYTHON" -c 'from importlib.util import find_spec as f; print(f("pyspark").submodule_search_locations[0])')
export SPARK_HOME

exec "$HERE/bootstrap/java.sh" "$SPARK_HOME/bin/spark-submit" "${settings[@]}" \
    --jars "${jars%,}" --driver-class-path "${jars//,/:}" --py-files "$project" "$HERE/jobs/__main__.py" "$@"
