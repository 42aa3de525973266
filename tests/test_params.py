"""Params: every shipped profile is valid; every fault is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from codealign.errors import CodealignError
from codealign.params import Codal, Params, Sft, load_params, read_params, validate
from codealign.workflow.plan import make_plan

PROJECT = Path(__file__).resolve().parents[1]
PROFILES = sorted(p for p in (PROJECT / "params").glob("*.yaml") if p.name != "models.yaml")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.name)
def test_a_shipped_profile_is_valid_and_named_like_its_file(path: Path) -> None:
    assert load_params(path).profile == path.stem


def test_the_papers_profile_trains_two_epochs() -> None:
    # Section 3: about 120k steps, 2 full epochs, for SFT and for alignment.
    params = load_params(PROJECT / "params" / "paper.yaml")
    assert [params.sft.epochs, params.align.dpo.epochs, params.align.bonbon.epochs] == [2, 2, 2]


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.name)
def test_bonbons_n_is_the_number_of_responses_that_best_and_worst_are_of(path: Path) -> None:
    params = load_params(path)
    assert "bonbon" not in params.stages or params.align.bonbon.n == params.prefs.responses


def test_the_study_is_the_default_run_repeated() -> None:
    one, study = (load_params(PROJECT / f"params/{n}.yaml") for n in ("nano", "nano_study"))
    same = {"profile", "study"}
    assert study.model_dump(exclude=same) == one.model_dump(exclude=same)
    assert len(study.study.seeds) >= 5


def test_an_ablation_says_what_it_changes_from_what(tmp_path) -> None:
    text = "profile: mine\nstudy: {ablations: {b: {settings: {align: {dpo: {beta: 0.5}}}}}}\n"
    found = load_params(write(tmp_path, text)).study.ablations["b"]
    assert found.changes == {"align.dpo.beta": [0.1, 0.5]}


def test_a_fault_in_an_ablation_is_named_with_its_place(tmp_path) -> None:
    text = "profile: mine\nstudy: {ablations: {b: {settings: {align: {dpo: {betta: 1.0}}}}}}\n"
    with pytest.raises(CodealignError, match="ablations.b: unknown key 'align.dpo.betta'; did you"):
        load_params(write(tmp_path, text))


def test_an_unknown_key_names_the_nearest(tmp_path) -> None:
    path = write(tmp_path, "profile: mine\nsft: {learning_rat: 1.0e-4}\n")
    with pytest.raises(CodealignError, match="sft.learning_rat'; did you mean 'learning_rate'"):
        load_params(path)


def test_an_unknown_section_names_the_nearest(tmp_path) -> None:
    path = write(tmp_path, "profile: mine\nfunctionl: {}\n")
    with pytest.raises(CodealignError, match="'functionl'; did you mean 'functional'"):
        load_params(path)


def test_a_key_of_a_nested_section_is_checked_against_that_section(tmp_path) -> None:
    path = write(tmp_path, "profile: mine\nsft: {lora: {zzz: 3}}\n")
    with pytest.raises(CodealignError, match=r"sft\.lora\.zzz'; valid: alpha, dropout"):
        load_params(path)


def test_a_wrong_type_is_not_converted(tmp_path) -> None:
    path = write(tmp_path, 'profile: mine\nprefs: {seeds: "many"}\n')
    with pytest.raises(CodealignError, match=r"prefs\.seeds: .*integer.*'many'"):
        load_params(path)


def test_a_value_out_of_range_is_refused(tmp_path) -> None:
    path = write(tmp_path, "profile: mine\nalign: {dpo: {beta: 0.0}}\n")
    with pytest.raises(CodealignError, match=r"align\.dpo\.beta: .*greater than 0"):
        load_params(path)


def test_all_faults_are_listed_at_once(tmp_path) -> None:
    path = write(tmp_path, "profile: mine\nalign: {dpo: {beta: -1.0, betta: 2.0}}\n")
    with pytest.raises(CodealignError) as error:
        load_params(path)
    assert len(str(error.value).splitlines()) == 2


def test_broken_yaml_is_one_clear_error(tmp_path) -> None:
    with pytest.raises(CodealignError, match="not valid YAML"):
        load_params(write(tmp_path, "profile: [mine\n"))


def test_a_list_is_not_a_profile(tmp_path) -> None:
    with pytest.raises(CodealignError, match="expected a mapping of settings, found list"):
        load_params(write(tmp_path, "- profile\n"))


def test_a_missing_file_names_those_that_are_there(tmp_path) -> None:
    write(tmp_path, "profile: mine\n")
    with pytest.raises(CodealignError, match="no such params file.*mine.yaml"):
        load_params(tmp_path / "other.yaml")


def test_a_section_can_be_checked_alone() -> None:
    assert validate(Sft, {"epochs": 1.0}, "sft").epochs == 1.0


def test_every_field_has_a_default_but_the_profile() -> None:
    assert [n for n, f in Params.model_fields.items() if f.is_required()] == ["profile"]


def test_neutral_settings_decide_nothing() -> None:
    cheap, dear = Codal(), Codal(spend_limit=9.0, in_flight=99, batch=True, price_input=1.0)
    assert cheap.deciding() == dear.deciding()
    assert Codal(judge="static").deciding() != cheap.deciding()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nseed: 2\n", "key 'seed' stands there twice \\(line 3, column 1\\)"),
        ("sft:\n  epochs: 1.0\n  epochs: 2.0\n", "key 'epochs' stands there twice"),
        ("models: []\n", "models: is empty; name at least one"),
        ("seed: 010\n", "'010' is another number in YAML \\(8\\)"),
        ("seed: 1:30\n", "'1:30' is another number in YAML \\(90\\)"),
        ("models: [nano, nano]\n", "models: 'nano' stands there twice"),
        ("stages: [base, base]\n", "stages: 'base' stands there twice"),
        ("study: {seeds: [1, 1]}\n", "study.seeds: 1 stands there twice"),
        ("sft: {learning_rate: .inf}\n", "sft.learning_rate: inf is no number for a setting"),
        ("codal: {spend_limit: .nan}\n", "codal.spend_limit: .*finite"),
        ("sft: {epochs: 1.0e+20}\n", "sft.epochs: 1e\\+20 is no number for a setting"),
        ("seed: 99999999999999999999\n", "seed: 1e\\+20 is no number"),
        ("sft: {learning_rate: 5.0}\n", "sft.learning_rate: .*less than or equal to 1"),
        ("sft: {max_steps: 0}\n", "sft.max_steps: 0 steps train nothing"),
        ("sft: {max_steps: 3, logging_steps: 9}\n", "logging_steps 9 is above the 3 steps"),
        ("prefs: {filters: {near_duplicates: 0.99}}\n", "near_duplicates: 0.01 to 0.98"),
        ("sft: {learning_rate: 2e-4}\n", "sft.learning_rate: 2e-4 is text to YAML; write 2.0e-4"),
        ("align: {dpo: {beta: 1E-1}}\n", "align.dpo.beta: 1E-1 is text to YAML; write 1.0E-1"),
        ("prefs: {workers: -1}\n", "prefs.workers: .*greater than or equal to 1"),
    ],
)
def test_a_setting_without_meaning_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"profile: a\n{text}")
    with pytest.raises(CodealignError, match=said) as error:
        load_params(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["..", "", "a/b", ".", "/tmp", "a b"])
def test_a_profile_is_named_like_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(f'profile: "{name}"\n')
    with pytest.raises(CodealignError, match="profile: must be a plain name"):
        load_params(tmp_path / "a.yaml")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"profile: a\n\tseed: 1\n", b"a\x01"])
def test_what_is_no_yaml_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(CodealignError, match="a.yaml: not valid YAML: ") as error:
        load_params(tmp_path / "a.yaml")
    assert "\n" not in str(error.value)


def test_a_folder_is_no_params_file(tmp_path: Path) -> None:
    with pytest.raises(CodealignError, match="a folder, no params file"):
        load_params(tmp_path)


def test_a_merge_key_doubles_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "profile: a\nsft: &x {epochs: 1.0}\nalign: {dpo: {<<: *x, epochs: 3.0}}\n"
    )
    assert load_params(tmp_path / "a.yaml").align.dpo.epochs == 3.0


@pytest.mark.parametrize("content", ["profile: a\nseed: &x [*x]\n", "a: &x {b: *x}\n"])
def test_an_alias_that_holds_itself_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(CodealignError, match="holds itself by an alias") as error:
        load_params(tmp_path / "a.yaml")
    assert "\n" not in str(error.value)


def test_a_profile_name_longer_than_a_file_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"profile: {'a' * 300}\n")
    with pytest.raises(CodealignError, match="profile: must be a plain name"):
        load_params(tmp_path / "a.yaml")


def test_a_setting_given_beside_the_file_takes_its_place(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "profile: mine\nsft: &own\n  lora: {r: 8}\nalign: {dpo: {<<: *own}}\n", encoding="utf-8"
    )
    found = load_params(file, ["align.dpo.lora.r=4", "align.dpo.beta=0.5", "models=[nano]"])
    assert (found.align.dpo.lora.r, found.align.dpo.beta) == (4, 0.5)
    assert found.sft.lora.r == 8, "an alias shares a mapping, a change does not"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("align.dpo.beta", "--set align.dpo.beta: write it as align.dpo.beta=0.5"),
        ("profile.name=x", "--set profile.name=x: profile is a value and has no 'name'"),
        ("sft.epochz=1.0", "unknown key 'sft.epochz'"),
        ("seed=[1", "--set seed=[1: not valid YAML"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(tmp_path, change: str, said: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("profile: mine\n", encoding="utf-8")
    with pytest.raises(CodealignError) as error:
        load_params(file, [change])
    assert said in str(error.value)


def profile(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"profile: {name}\n{text}")
    return path


def test_a_profile_takes_its_bases_settings_and_says_what_differs(tmp_path: Path) -> None:
    text = "models: [nano, {name: x, pretrained: a}]\nsft: {epochs: 3.0, lora: {r: 4, alpha: 9}}\n"
    profile(tmp_path, "below", text + "codal: {limit: 7}\nseed: 5\n")
    own = "base: below.yaml\nmodels: [nano]\nsft: {lora: {r: 8}}\ncodal: null\n"
    params = load_params(profile(tmp_path, "above", own))
    assert (params.profile, params.seed, params.models) == ("above", 5, ["nano"])
    assert (params.sft.epochs, params.sft.lora.r, params.sft.lora.alpha) == (3.0, 8, 9)
    assert params.codal == Codal(), "null: its default, not the base's"


def test_a_base_may_have_a_base_and_a_change_beside_the_file_comes_last(tmp_path: Path) -> None:
    profile(tmp_path, "a", "seed: 1\nalign: {dpo: {beta: 0.2, epochs: 1.0}}\n")
    profile(tmp_path, "b", "base: a\nalign: {dpo: {epochs: 2.0}}\n")
    params = load_params(profile(tmp_path, "c", "base: b\n"), ["align.dpo.epochs=4.0"])
    assert (params.seed, params.align.dpo.beta, params.align.dpo.epochs) == (1, 0.2, 4.0)


def test_a_base_without_a_folder_may_be_one_that_the_package_brings(tmp_path: Path) -> None:
    shipped = load_params(PROJECT / "params" / "smoke.yaml")
    found = load_params(profile(tmp_path, "mine", "base: smoke\n"))
    assert found == shipped.model_copy(update={"profile": "mine"})
    profile(tmp_path, "smoke", "seed: 77\n")  # one beside the file comes first
    assert load_params(tmp_path / "mine.yaml").seed == 77


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("base: below.yaml\nsede: 1\n", "/mine.yaml: unknown key 'sede'; did you mean 'seed'?"),
        ("base: wrong.yaml\n", "/wrong.yaml: unknown key 'sft.epochz'; did you mean 'epochs'?"),
        ("base: belov.yaml\n", "/mine.yaml: base: no profile 'belov.yaml'; did you mean 'below"),
        ("base: mine.yaml\n", "/mine.yaml: base: mine.yaml goes in a circle: mine.yaml -> mine."),
        ("base: round.yaml\n", "/round.yaml: base: mine.yaml goes in a circle: mine.yaml -> round"),
        ("base: [below.yaml]\n", "/mine.yaml: base: ['below.yaml'] is no name of a profile"),
        ("base: below.yaml\ncodall: null\n", "/mine.yaml: unknown key 'codall'"),
        ("base: models.yaml\n", "/models.yaml: "),
    ],
)
def test_a_fault_of_a_base_or_below_one_names_its_file(tmp_path: Path, own: str, said: str) -> None:
    profile(tmp_path, "below", "seed: 3\n")
    profile(tmp_path, "wrong", "sft: {epochz: 1.0}\n")
    profile(tmp_path, "round", "base: mine.yaml\n")
    with pytest.raises(CodealignError) as error:
        load_params(profile(tmp_path, "mine", own))
    assert said in str(error.value)


def test_two_profiles_are_never_one_run(tmp_path: Path) -> None:
    profile(tmp_path, "below", "seed: 3\n")
    (tmp_path / "mine.yaml").write_text("base: below.yaml\n")
    with pytest.raises(CodealignError, match="mine.yaml: profile: "):
        load_params(tmp_path / "mine.yaml")


WITH_BASE = [p for p in PROFILES if "base" in yaml.safe_load(p.read_text())]


@pytest.mark.parametrize("path", WITH_BASE, ids=lambda p: p.stem)
def test_written_out_a_profile_with_a_base_makes_the_same_jobs(path: Path, tmp_path: Path) -> None:
    whole = tmp_path / path.name
    whole.write_text(yaml.safe_dump(read_params(path), sort_keys=False))
    assert "base" not in read_params(path)
    assert load_params(whole).model_dump_json() == load_params(path).model_dump_json()
    assert make_plan(load_params(whole)) == make_plan(load_params(path))


@pytest.mark.parametrize("path", WITH_BASE, ids=lambda p: p.stem)
def test_a_profile_differs_from_its_base_in_what_it_says(path: Path) -> None:
    own = yaml.safe_load(path.read_text())
    base = load_params(path.parent / own.pop("base")).model_dump()
    params = load_params(path).model_dump()
    for section, settings in params.items():
        if section not in own:
            assert settings == base[section], section
        elif isinstance(settings, dict) and own[section] and section != "study":
            kept = settings.keys() - own[section].keys()
            assert all(settings[key] == base[section][key] for key in kept), section


def test_a_change_of_the_base_changes_the_jobs_that_it_is_about(tmp_path: Path) -> None:
    small = "models: [nano]\nvariants: [pretrained]\nrequirements: [functional]\n"
    below = profile(tmp_path, "below", f"{small}align: {{dpo: {{beta: 0.1}}}}\n")
    mine = profile(tmp_path, "mine", "base: below.yaml\nstages: [base, dpo]\n")
    before = {job.name: job for job in make_plan(load_params(mine))}
    below.write_text(below.read_text().replace("0.1", "0.3") + "# another comment\n")
    after = {job.name: job for job in make_plan(load_params(mine))}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"03_align-nano-pretrained-functional-dpo"}
    below.write_text(below.read_text().replace("0.3", "0.10") + "# and back\n")
    assert {job.name: job for job in make_plan(load_params(mine))} == before


@pytest.mark.parametrize("rule", ["all", "judge", "best_worst"])
def test_a_draw_that_the_rule_would_pass_over_is_refused(tmp_path, rule: str) -> None:
    text = f"profile: mine\nprefs: {{pairs: {{rule: {rule}, draw: closest, judge: static}}}}\n"
    with pytest.raises(CodealignError, match=f"rule {rule} draws nothing, so draw: closest has no"):
        load_params(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prefs: {corpus: nano, pairs: {rule: hidden}}", "set tasks: grammar and corpus: nano"),
        ("prefs: {tasks: grammar}", "those of corpus nano, not of stdlib"),
        ("prefs: {corpus: nano, tasks: grammar}", "leave non_functional out of requirements"),
        ("sft: {epochs: null}", "sft.epochs: has no value; give one, or leave the line out"),
        ("prefs: null", "prefs: has no value"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_runs(
    tmp_path, text: str, fault: str
) -> None:
    with pytest.raises(CodealignError, match=fault):
        load_params(write(tmp_path, f"profile: mine\n{text}\n"))


def test_an_ablation_of_functional_cells_alone_may_have_known_tasks(tmp_path) -> None:
    text = """base: nano.yaml
profile: mine
study:
  ablations:
    known:
      settings: {prefs: {tasks: grammar, pairs: {rule: hidden}}}
      requirements: [functional]
"""
    found = load_params(write(tmp_path, text)).varied("known")
    assert (found.prefs.pairs.rule, found.requirements) == ("hidden", ["functional"])


def test_an_ablation_is_named_like_a_folder(tmp_path) -> None:
    text = "profile: mine\nstudy: {ablations: {a/../b: {settings: {sft: {epochs: 1.0}}}}}\n"
    with pytest.raises(CodealignError, match="must be a plain name"):
        load_params(write(tmp_path, text))


def test_a_base_is_no_setting_of_the_command_line() -> None:
    with pytest.raises(CodealignError, match="a base is named in a file"):
        load_params(PROJECT / "params/nano.yaml", ["base=smoke.yaml"])


def test_hidden_files_are_no_profiles(tmp_path) -> None:
    write(tmp_path, "profile: mine\n").with_name(".other.yaml").write_text("x: 1\n")
    with pytest.raises(CodealignError, match=r"has: mine\.yaml$"):
        load_params(tmp_path / "mien.yaml")
