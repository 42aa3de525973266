#!/bin/sh
# onnxruntime-genai 0.18.0: a batch padded on the left, as transformers wants it for models that
# write on, is read with its padding: a shorter prompt may get another answer than alone, and no
# error. Padded on the right, as its own `Tokenizer.encode_batch` does, all answers are as alone.
#
# Seen, for five prompts of 3 to 8 tokens, greedy, a small Llama with random weights:
#   left: 2 of 5 as alone; right: 5 of 5
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile onnxruntime-genai==0.18.0 onnxruntime==1.32.0 \
  onnx==1.19.1 onnx-ir==1.1.0 transformers==5.17.0 torch==2.13.0 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/env/bin/python" - <<'PYTHON'
import subprocess
import sys

import numpy as np
import onnxruntime_genai as genai
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAD, STEPS = 0, 16
PROMPTS = [
    [5, 9, 14], [7, 3, 21, 30, 4, 11, 26, 8], [3, 4, 5, 6, 7], [20, 19, 18], [9, 9, 12, 13],
]
torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=32, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.2,
    pad_token_id=PAD, bos_token_id=1, eos_token_id=31,
)
LlamaForCausalLM(config).save_pretrained("model")
words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(32)}, unk_token="w0"))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="w0", eos_token="w31")
tokenizer.save_pretrained("model")
builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
options = ["-m", "model", "-i", "model", "-o", "onnx", "-p", "fp32", "-e", "cpu", "-c", "cache"]
subprocess.run([*builder, *options], check=True, capture_output=True)
model = genai.Model("onnx")


def answers(rows):
    options = genai.GeneratorParams(model)
    longest = len(rows[0]) + STEPS
    options.set_search_options(do_sample=False, batch_size=len(rows), max_length=longest)
    generator = genai.Generator(model, options)
    generator.append_tokens(np.array(rows, dtype=np.int32))
    while not generator.is_done():
        generator.generate_next_token()
    return [generator.get_sequence(i)[len(rows[0]) :].tolist() for i in range(len(rows))]


alone = [answers([prompt])[0] for prompt in PROMPTS]
width = max(map(len, PROMPTS))
padding = [[PAD] * (width - len(prompt)) for prompt in PROMPTS]
left = answers([pad + prompt for pad, prompt in zip(padding, PROMPTS)])
right = answers([prompt + pad for pad, prompt in zip(padding, PROMPTS)])
same = [sum(a == b for a, b in zip(made, alone)) for made in (left, right)]
print(f"left: {same[0]} of 5 as alone; right: {same[1]} of 5")
raise SystemExit(same != [2, 5])
PYTHON
