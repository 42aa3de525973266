#!/bin/sh
# evalplus 0.3.1: its Hugging Face decoder registers stop strings anew for each problem and never
# takes those of the problem before away: each still counts from the length of *its* prompt. A later,
# longer prompt that holds a stop string behind that place (in chat form each does: the fence that
# closes the task) ends after one token, and its problem is scored as failed.
#
# Seen, tokens generated for the same long prompt, a random model, at most 20 asked for:
#   asked first: 20
#   asked after a shorter prompt: 1
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
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>")
tokenizer.chat_template = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% endfor %}"
tokenizer.save_pretrained("model")
torch.manual_seed(0)
sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 1, "num_key_value_heads": 1}
LlamaForCausalLM(
    LlamaConfig(vocab_size=len(vocabulary), bos_token_id=None, eos_token_id=0, **sizes)
).save_pretrained("model")


def tokens(*prompts):
    """Return how many tokens a new decoder generates for the last of these prompts."""
    decoder = HuggingFaceDecoder("model", "humaneval", temperature=0.0, max_new_tokens=20,
                                 dtype="float32", instruction_prefix="Solve this:",
                                 response_prefix="Solution:")
    decoder.eos = list(decoder.eos)  # a list that all decoders share otherwise
    plain, lengths = decoder.model.generate, []

    def counted(ids, **kwargs):
        found = plain(ids, **kwargs)
        lengths.append(found.shape[1] - ids.shape[1])
        return found

    decoder.model.generate = counted
    for prompt in prompts:
        decoder.codegen(prompt, do_sample=False, num_samples=1)
    return lengths[-1]


short, long = "def f(x):\n", "def g(x):\n" + 20 * "    # a longer prompt\n"
seen = (tokens(long), tokens(short, long))
print(f"asked first: {seen[0]}\nasked after a shorter prompt: {seen[1]}")
raise SystemExit(seen != (20, 1))
PYTHON
