#!/bin/sh
# trl 1.15.0: `SFTTrainer` trains on prompt and completion without an end token if the data set
# holds a further column `text`, which nothing reads (MBPP's task descriptions stand in a column
# of that name). The step of `_prepare_dataset` that adds the end token looks for the text column
# first and for the completion only if there is none; the step that makes tokens goes by the
# prompt. So the end token goes to `text`, which is not trained on, and the completion ends
# without one, in silence. A model trained so is never taught to stop, and its answers run on to
# the limit.
#
# Seen (the tokens with a label, of the same two columns):
#   prompt, completion         'def f(): pass<end>'
#   prompt, completion, text   'def f(): pass'
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile trl==1.15.0 transformers==5.17.0 torch==2.13.0 \
  accelerate==1.15.0 datasets==4.8.5 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/env/bin/python" - <<'PYTHON'
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

vocabulary = {c: i for i, c in enumerate(["<end>", "<pad>", *pre_tokenizers.ByteLevel.alphabet()])}
inner = Tokenizer(models.BPE(vocabulary, []))
inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
inner.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<pad>")
sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
         "num_attention_heads": 1, "num_key_value_heads": 1}
model = LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), **sizes))
config = SFTConfig(output_dir="out", report_to="none", use_cpu=True, bf16=False, max_steps=1)
pair = {"prompt": ["Write f.\n"], "completion": ["def f(): pass"]}
seen = []
for columns in (pair, {**pair, "text": ["Write a function f."]}):
    trainer = SFTTrainer(model, config, train_dataset=Dataset.from_dict(columns),
                         processing_class=tokenizer)
    labels = trainer.train_dataset[0]["labels"]
    seen.append(tokenizer.decode([token for token in labels if token != -100]))
    print(f"{', '.join(columns):27}{seen[-1]!r}")
raise SystemExit(seen != ["def f(): pass<end>", "def f(): pass"])
PYTHON
