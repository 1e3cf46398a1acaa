#!/bin/sh
# Runs Python 3.11 with the given arguments, or says how to get one.
# A version manager's shim may be on the PATH and still refuse, so each candidate is tried.
probe='import ensurepip, sys, venv; sys.version_info[:2] == (3, 11) or sys.exit(1); print(sys._base_executable)'
IFS=:
for name in python3.11 python3 python; do
    for folder in $PATH; do
        [ -x "$folder/$name" ] || continue
        python=$("$folder/$name" -c "$probe" 2>/dev/null </dev/null) || continue
        exec "$python" "$@"
    done
done
echo "Python 3.11 with its venv module was not found on the PATH: install it (Debian and Ubuntu: apt install python3.11-venv; elsewhere: pyenv install 3.11), then run the same command again." >&2
exit 1
