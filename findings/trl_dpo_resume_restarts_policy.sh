#!/bin/sh
# trl 1.15.0 with transformers 5.17.0 and peft 0.21.2: DPO of an adapter (the usual way, SFT first,
# the model loaded with `PeftModel.from_pretrained(..., is_trainable=True)`) that is resumed with
# `train(resume_from_checkpoint=...)` begins again at the SFT adapter, without an error: step, rate
# and optimiser go on, the weights do not. TRL adds a frozen second adapter, `ref`, for its
# reference; PEFT saves that in a folder of its own within the checkpoint and the trained one beside
# it; transformers, where a checkpoint has such folders, loads these alone. In a training that was
# cut after four of eight steps, the fifth loss is ln 2 again. A new adapter (`peft_config=...`) has
# no `ref` and resumes as it should.
#
# Seen (the checkpoint holds a policy whose weights are those of the start plus 1):
#   files of the checkpoint: adapter_model.safetensors ref/adapter_model.safetensors
#   resumed policy has the checkpoint's weights: False   those it started from: True
#   a new adapter, resumed, has the checkpoint's weights: True
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile trl==1.15.0 transformers==5.17.0 peft==0.21.2 \
  torch==2.13.0 accelerate==1.15.0 datasets==4.8.5 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/env/bin/python" - <<'PYTHON'
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

vocabulary = {c: i for i, c in enumerate(["<end>", "<pad>", *pre_tokenizers.ByteLevel.alphabet()])}
inner = Tokenizer(models.BPE(vocabulary, []))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<pad>")
sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 1, "num_key_value_heads": 1}
LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained("model")
lora = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
pairs = Dataset.from_dict({"prompt": ["Write f.\n"], "chosen": ["def f(): pass"],
                           "rejected": ["f = 0"]})


def base():
    return LlamaForCausalLM.from_pretrained("model")


def trainer(adapter):
    """Return a DPO trainer of one step, of an adapter in a folder, or of a new one."""
    torch.manual_seed(0)
    policy = PeftModel.from_pretrained(base(), adapter, is_trainable=True) if adapter else base()
    config = DPOConfig(output_dir="out", report_to="none", use_cpu=True, bf16=False, max_steps=1,
                       per_device_train_batch_size=1, disable_tqdm=True)
    return DPOTrainer(policy, args=config, train_dataset=pairs, processing_class=tokenizer,
                      peft_config=None if adapter else lora)


def weights(made):
    """Return the numbers of the adapter that is trained."""
    return torch.cat([w.detach().flatten() for w in made.model.parameters() if w.requires_grad])


def resumed(adapter, checkpoint):
    """Return the weights at the start, those in a checkpoint, and those after resuming from it."""
    first = trainer(adapter)
    start = weights(first)
    with torch.no_grad():  # stands for the training of one step, all there is to do
        for parameter in first.model.parameters():
            if parameter.requires_grad:
                parameter.add_(1)
    first.save_model(checkpoint)
    first.state.global_step = first.state.max_steps = 1
    first.state.train_batch_size = 1
    first.state.save_to_json(f"{checkpoint}/trainer_state.json")
    second = trainer(adapter)
    second.train(resume_from_checkpoint=checkpoint)  # no step is left: what it loads is what it has
    return start, weights(first), weights(second)


get_peft_model(base(), lora).save_pretrained("sft")
start, saved, loaded = resumed("sft", "out/checkpoint-1")
folder = Path("out/checkpoint-1")
files = sorted(str(path.relative_to(folder)) for path in folder.rglob("adapter_model.safetensors"))
print("files of the checkpoint:", *files)
print("resumed policy has the checkpoint's weights:", torch.equal(loaded, saved),
      "  those it started from:", torch.equal(loaded, start))
_, new_saved, new_loaded = resumed("", "out/checkpoint-new")
print("a new adapter, resumed, has the checkpoint's weights:", torch.equal(new_loaded, new_saved))
expected = [len(files) == 2, not torch.equal(loaded, saved), torch.equal(loaded, start),
            torch.equal(new_loaded, new_saved)]
raise SystemExit(not all(expected))
PYTHON
