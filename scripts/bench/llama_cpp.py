"""The peer of the decoder of `trm-native bench --part questions`: the same model and prompt
in llama.cpp, through its bindings `xllamacpp`.

    python llama_cpp.py --threads 1 --runs 5 --written 64 MODEL.gguf < PROMPT

prints one JSON document. `scripts/bench-decoder.mjs` calls it.
"""

import argparse
import json
import sys

import xllamacpp


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--written", type=int, required=True)
    parser.add_argument("model")
    options = parser.parse_args()
    prompt = sys.stdin.read()

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.n_parallel = 1
    params.n_ctx = 2048
    params.verbosity = -1
    server = xllamacpp.Server(params)
    # Reads the whole prompt every time, and goes on behind an end.
    request = {
        "prompt": prompt,
        "n_predict": options.written,
        "temperature": 0,
        "cache_prompt": False,
        "ignore_eos": True,
    }
    timings = [server.handle_completions(request)["timings"] for _ in range(options.runs + 1)]
    # The first is a warm-up.
    print(
        json.dumps(
            {
                "prompt_tokens": timings[0]["prompt_n"],
                "read_tokens_per_second": [one["prompt_per_second"] for one in timings[1:]],
                "written_tokens_per_second": [one["predicted_per_second"] for one in timings[1:]],
            }
        )
    )


main()
