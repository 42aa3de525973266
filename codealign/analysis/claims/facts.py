"""The functions that statements of kind `fact` name, by their name in the data."""

from __future__ import annotations

from collections.abc import Callable

from codealign.analysis.claims import own, pathway_facts, pattern_facts, tables_facts, text_facts
from codealign.analysis.claims.model import Found

FACTS: dict[str, Callable[..., Found]] = {
    function.__name__: function
    for function in (
        tables_facts.below_scale,
        tables_facts.value_range,
        tables_facts.highest,
        tables_facts.largest_gain,
        tables_facts.gain_ratio,
        tables_facts.share_lower,
        tables_facts.still_inferior,
        tables_facts.gap_narrows,
        tables_facts.more_consistent,
        tables_facts.steadier,
        tables_facts.models_improve,
        pattern_facts.threshold,
        pattern_facts.technique,
        pattern_facts.best_stage,
        pattern_facts.explained,
        pattern_facts.degrades,
        pattern_facts.fewer_failures,
        pattern_facts.trade_offs,
        pathway_facts.gains_more,
        pathway_facts.gains_on_average,
        pathway_facts.larger_gains_more,
        pathway_facts.code_models_improve,
        pathway_facts.code_range,
        pathway_facts.losses,
        pathway_facts.starts_above,
        pathway_facts.sft_predicts,
        pathway_facts.sft_falls_in_both,
        pathway_facts.stable_succeeds,
        pathway_facts.base_tests,
        pathway_facts.significant_everywhere,
        pathway_facts.technique_always,
        text_facts.sample,
        text_facts.epochs,
        text_facts.study_size,
        text_facts.problems,
        text_facts.survey_share,
        text_facts.survey_sum,
        text_facts.survey_majority,
        text_facts.unpublished,
        text_facts.kappa_printed,
        text_facts.kappa_leads,
        text_facts.kappa_gap,
        text_facts.product,
        own.survives,
        own.average_row,
        own.whole_counts,
        own.plus_is_harder,
        own.bold_is_best,
    )
}
