#!/bin/sh
# Builds the mock upstream and the load generators into bench/.build/bin.
set -eu
here=$(dirname "$0")
mkdir -p "$here/.build/bin"
for program in mock load views; do
    ${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -o "$here/.build/bin/$program" "$here/c/$program.c"
done
