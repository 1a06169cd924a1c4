#!/bin/sh
# nvcc_with_log.sh NVCC ... -o OBJECT ...: runs nvcc and keeps, beside the object, what tests want to see of it:
# OBJECT.ptxas (registers, spills and stack of each kernel) and OBJECT.ptx/ (the PTX of each architecture).
for argument; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done

rm -rf "$object.ptxas" "$object.ptx"
mkdir -p "$object.ptx"
if ! "$@" -Xptxas -v --keep --keep-dir "$object.ptx" >"$object.ptxas" 2>&1; then
  grep -v '^ptxas info\|bytes stack frame' "$object.ptxas" >&2
  rm -rf "$object.ptxas" "$object.ptx"
  exit 1
fi
find "$object.ptx" -type f ! -name '*.ptx' -delete
