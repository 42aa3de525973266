#!/bin/sh
# evalplus 0.3.1 with stop-sequencer 1.2.3: its Hugging Face decoder wraps the model's list of stop
# criteria once more for each problem, and each wrapper deep-copies the list inside it. A criterion
# holds the tokenizer: problem k copies k(k-1)/2 tokenizers before its first token, and then decodes
# the whole answer k times per stop string and token. All 164 problems of HumanEval copy a tokenizer
# 735,130 times, the 399 of MBPP+ 10.6 million times; a copy of a real one takes tenths of a second,
# so a small model on a CPU spends more on the 18th problem than on generating the seventeen before.
#
# Seen, four tokens for the same prompt again and again, a random model (tokenizers copied, decodings):
#   1st problem: 0, 45   2nd: 1, 89   4th: 6, 177   8th: 28, 353
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile evalplus==0.3.1 stop-sequencer==1.2.3 \
  transformers==5.17.0 torch==2.13.0 accelerate==1.15.0 datasets==4.8.5 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/env/bin/python" - <<'PYTHON'
import torch
from evalplus.provider.hf import HuggingFaceDecoder
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

vocabulary = {c: i for i, c in enumerate(["<end>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
inner = Tokenizer(models.BPE(vocabulary, []))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>").save_pretrained("model")
torch.manual_seed(0)
sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
         "num_attention_heads": 2}
LlamaForCausalLM(
    LlamaConfig(vocab_size=len(vocabulary), bos_token_id=None, eos_token_id=None, **sizes)
).save_pretrained("model")
decoder = HuggingFaceDecoder("model", "humaneval", temperature=0.0, max_new_tokens=4,
                             dtype="float32", force_base_prompt=True)
kind = type(decoder.tokenizer)
decode, count = kind.decode, {"copies": 0, "decodings": 0}


def counted_copy(tokenizer, protocol):
    count["copies"] += 1
    return object.__reduce_ex__(tokenizer, protocol)


def counted_decode(*args, **kwargs):
    count["decodings"] += 1
    return decode(*args, **kwargs)


kind.__reduce_ex__, kind.decode = counted_copy, counted_decode
seen = {}
for problem in range(1, 9):
    count.update(copies=0, decodings=0)
    decoder.codegen("def f():", do_sample=False, num_samples=1)
    seen[problem] = (count["copies"], count["decodings"])
    print(f"problem {problem}: {count}")
wanted = {k: (k * (k - 1) // 2, 44 * k + 1) for k in seen}
raise SystemExit(seen != wanted)
PYTHON
