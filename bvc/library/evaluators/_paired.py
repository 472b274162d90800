"""What a student and a teacher say of the same examples, which come one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from bvc.component import Stream

STUDENT, TEACHER = "student", "teacher"


def both(data: Any, pipeline: Any, teacher_pipeline: Any, view: Any, teacher: Any) -> Mapping[str, Stream]:
    """All examples through the student, then through the teacher, by the student's pipeline if it has none."""
    other = pipeline if teacher_pipeline is None else teacher_pipeline
    return {STUDENT: Stream(data, pipeline, view), TEACHER: Stream(data, other, teacher)}


@dataclass
class Pairs:
    """The student's batches that wait for the teacher's."""

    waiting: deque[Float[np.ndarray, "b d"]] = field(default_factory=deque[np.ndarray])

    def arrived(
        self, stream: str, batch: Float[np.ndarray, "b e"]
    ) -> tuple[Float[np.ndarray, "b d"], Float[np.ndarray, "b e"]] | None:
        """The student's and the teacher's numbers of the same examples, once both are there."""
        if stream == STUDENT:
            self.waiting.append(batch)
            return None
        return self.waiting.popleft(), batch
