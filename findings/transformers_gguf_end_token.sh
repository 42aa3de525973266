#!/bin/sh
# transformers 5.17.0: `AutoTokenizer.from_pretrained(folder, gguf_file=...)` of a Llama model with
# a byte-level vocabulary (`tokenizer.ggml.model` gpt2, as SmolLM2 and Llama 3 have) gives the begin
# token as end token, though the file names the right one. What is trained with it learns to end its
# answers with the begin token; what generates with it does not stop at the model's own end.
#
# Seen, of a file with bos_token_id 1 (<|im_start|>) and eos_token_id 2 (<|im_end|>):
#   bos_token <|im_start|>, eos_token <|im_start|>
# Exits with 1 if that changes, with 2 if the packages cannot be installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --no-compile transformers==5.17.0 gguf==0.19.0 \
  torch==2.13.0 numpy==2.4.6 || exit 2
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/env/bin/python" - <<'PYTHON'
import gguf
from transformers import AutoTokenizer

TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "b", "c", "ab", "bc"]
writer = gguf.GGUFWriter("tiny.gguf", "llama")
writer.add_block_count(1)
writer.add_context_length(64)
writer.add_embedding_length(8)
writer.add_feed_forward_length(8)
writer.add_head_count(1)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_vocab_size(len(TOKENS))
writer.add_tokenizer_model("gpt2")
writer.add_token_list(TOKENS)
writer.add_token_types([3, 3, 3, 1, 1, 1, 1, 1])
writer.add_token_merges(["a b", "b c"])
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_unk_token_id(0)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

found = AutoTokenizer.from_pretrained(".", gguf_file="tiny.gguf")
print(f"bos_token {found.bos_token}, eos_token {found.eos_token}")
raise SystemExit((found.bos_token, found.eos_token) != ("<|im_start|>", "<|im_start|>"))
PYTHON
