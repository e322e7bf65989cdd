#!/usr/bin/env bash
# What needs a CUDA GPU, in at most six minutes: the tests on CUDA (precision, memory, replicas), then the engine
# with models of real size against naive calls and against the models alone. Results go to a folder.
#
#   benchmarks/gpu_check.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
folder="${1:-benchmarks/results}"
"$python" -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "There is no CUDA device.")'
timeout 120 "$python" -m pytest -q -m gpu tests
timeout 230 "$python" -m viper_benchmarks.perf throughput --size real --concurrency 64 --programs 64 \
  --output "$folder/throughput_gpu.json"
