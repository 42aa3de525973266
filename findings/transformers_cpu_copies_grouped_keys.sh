#!/bin/sh
# transformers 5.17.0, torch 2.13.0, CPU: a model with grouped queries (fewer key than query heads:
# Llama 3, Qwen2.5, SmolLM2) that generates for a batch with padding copies its whole cache of keys and
# values for each query head, in each layer, at each step. `sdpa_attention_forward` lets torch share
# them (`enable_gqa`) only without a mask, for the sake of kernels of GPUs; the CPU's kernel shares
# them with a mask as well and gives the same bits, from a third of the memory and in a fraction of
# the time (a tenth at 1,500 positions, three query heads per key). A batch whose prompts are of one
# length has no mask, so the same model is fast there.
#
# Seen, keys handed to torch for 2 key heads and 6 query heads, 40 positions:
#   prompts of one length: 2 heads   with padding: 6 heads   shared by hand: equal to the last bit
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile transformers==5.17.0 torch==2.13.0 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/env/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
model = LlamaForCausalLM(
    LlamaConfig(vocab_size=50, hidden_size=48, intermediate_size=48, num_hidden_layers=1,
                num_attention_heads=6, num_key_value_heads=2)
).eval()
plain, calls = functional.scaled_dot_product_attention, []


def recorded(query, key, value, **options):
    found = plain(query, key, value, **options)
    calls.append((query, key, value, options, found))
    return found


functional.scaled_dot_product_attention = recorded
ids, full = torch.randint(50, (2, 40)), torch.ones(2, 40, dtype=torch.long)
padded = full.clone()
padded[1, :7] = 0
heads = {}
for name, mask in (("one length", full), ("padding", padded)):
    calls.clear()
    with torch.no_grad():
        model.generate(ids, attention_mask=mask, max_new_tokens=2, do_sample=False, pad_token_id=0)
    heads[name] = calls[-1][1].shape[1]  # the last step: one query for each row
    print(f"{name}: keys of {heads[name]} heads")
query, key, value, options, found = calls[-1]
once = (key[:, ::3], value[:, ::3])  # each key stands three times in a row
shared = plain(query, *once, **options, enable_gqa=True)
same = torch.equal(shared, found)
print(f"shared: equal to the last bit: {same}")
raise SystemExit(heads != {"one length": 2, "padding": 6} or not same)
PYTHON
