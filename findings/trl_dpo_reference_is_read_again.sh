#!/bin/sh
# trl 1.15.0: `DPOTrainer(model=..., ref_model=None)` with a whole model (no PEFT) says that its
# reference is `model` as it is before training. It is what lies where `model` was once read from:
# `__init__` takes the name in the model's configuration and `create_model_from_path` reads it
# again, in float32 whatever type the model has. A model that was fine-tuned, or had an adapter
# merged, since it was read is so aligned against the one before that, without a word: the gap
# that should be 0 at the first step is what the fine-tuning did. With `precompute_ref_log_probs`,
# by the code, it is the model itself.
#
# Seen (the model is read from a folder; changed since: its weights are then multiplied by 1.5):
#   as read            reference has the model's weights: True
#   changed since      reference has the model's weights: False   the folder's: True
#   read as bfloat16   model torch.bfloat16  reference torch.float32
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile trl==1.15.0 transformers==5.17.0 torch==2.13.0 \
  accelerate==1.15.0 datasets==4.8.5 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/env/bin/python" - <<'PYTHON'
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers import PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

vocabulary = {c: i for i, c in enumerate(["<end>", "<pad>", *pre_tokenizers.ByteLevel.alphabet()])}
inner = Tokenizer(models.BPE(vocabulary, []))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<pad>")
sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 1, "num_key_value_heads": 1}
LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained("model")
config = DPOConfig(output_dir="out", report_to="none", use_cpu=True, bf16=False, max_steps=1)
pairs = Dataset.from_dict({"prompt": ["Write f.\n"], "chosen": ["def f(): pass"],
                           "rejected": ["f = 0"]})


def reference(model):
    """Return the reference that the trainer makes for a model."""
    return DPOTrainer(model, args=config, train_dataset=pairs, processing_class=tokenizer).ref_model


def same(one, other):
    """Tell whether two models have the same weights."""
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters()))


read = AutoModelForCausalLM.from_pretrained("model")
changed = AutoModelForCausalLM.from_pretrained("model")
with torch.no_grad():
    for weights in changed.parameters():
        weights.mul_(1.5)  # stands for a fine-tuning, or a merge of an adapter
half = AutoModelForCausalLM.from_pretrained("model", dtype=torch.bfloat16)
of_read, of_changed, of_half = reference(read), reference(changed), reference(half)
seen = [same(of_read, read), same(of_changed, changed), same(of_changed, read),
        half.dtype == torch.bfloat16, of_half.dtype == torch.float32]
print("as read            reference has the model's weights:", seen[0])
print("changed since      reference has the model's weights:", seen[1], "  the folder's:", seen[2])
print("read as bfloat16   model", half.dtype, " reference", of_half.dtype)
raise SystemExit(seen != [True, False, True, True, True])
PYTHON
