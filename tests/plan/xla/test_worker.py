from __future__ import annotations

from bvc.plan.xla.worker import objection

OUT_OF_MEMORY = (
    "RESOURCE_EXHAUSTED: E1000: CompileTimeHbmOom: Ran out of memory on HBM, the total memory required for HLO "
    "temporaries (25.68G) exceeds available HBM (15.75G). HLO module: jit_step.\nSee https://openxla.org/xla/errors"
)


def test_too_little_memory_is_an_answer() -> None:
    assert objection(OUT_OF_MEMORY) == {"peak": int(25.68 * 2**30), "refused": True}


def test_other_words_of_a_compiler_are_told_as_they_are() -> None:
    assert objection("INVALID_ARGUMENT: no such slice\nmore") == {"failed": "INVALID_ARGUMENT: no such slice"}
