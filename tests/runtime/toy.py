"""A program small enough to be killed twenty times: a linear model, Adam, a donated state, an evaluation.

    python -m tests.runtime.toy WORKDIR [name=value ...]

Exit status as that of `bvc run`: 0 finished, 1 failed, 75 interrupted.
"""

import math
import resource
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console

from bvc.diagnostics import Failed
from bvc.runtime.due import Times
from bvc.runtime.interruption import EXIT
from bvc.runtime.loop import Outcome, train
from bvc.runtime.metrics.progress import Progress
from bvc.runtime.training import Evaluation, Training
from bvc.runtime.workdir import Workdir

WIDTH, BATCH, EXAMPLES = 64, 8, 40


class ToyFeed:
    def __init__(self, start: int, pause: float, poison: int):
        self.step, self.pause, self.poison = start, pause, poison
        self.closed = False

    def __iter__(self):
        while True:
            self.step += 1
            time.sleep(self.pause)
            x = np.random.default_rng(self.step).normal(size=(BATCH, WIDTH)).astype(np.float32)
            yield {"x": x * (math.nan if self.step == self.poison else 1)}

    def skipped(self):
        return []

    def close(self):
        self.closed = True


def training(*, total=30, log=5, save=10, keep=0, every=10, pause=0.0, poison=0, slow_eval=0.0) -> Training:
    optimizer = optax.adam(1e-2)

    def init():
        params = {"kernel": jnp.ones((WIDTH, WIDTH)) / WIDTH, "bias": jnp.zeros(WIDTH)}
        return {"step": jnp.zeros((), jnp.int32), "params": params, "optimizer": optimizer.init(params)}

    def loss(params, x):
        return jnp.mean(jnp.square(x @ params["kernel"] + params["bias"] - x))

    def step(state, batch):
        value, gradients = jax.value_and_grad(loss)(state["params"], batch["x"])
        updates, moments = optimizer.update(gradients, state["optimizer"])
        params = optax.apply_updates(state["params"], updates)
        metrics = {"training_loss": value, "l2_grads": optax.tree.norm(gradients)}
        metrics["global_schedule"] = 1 - state["step"] / total
        return {"step": state["step"] + 1, "params": params, "optimizer": moments}, metrics

    def evaluate(state, check):
        for _ in range(3):
            check()
            time.sleep(slow_eval)
        return {"norm": float(jnp.linalg.norm(state["params"]["kernel"]))}

    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), jax.eval_shape(init)
    )
    return Training(
        init=init,
        abstract=abstract,
        step=jax.jit(step, donate_argnums=0),
        feed=lambda start: ToyFeed(start, pause, poison),
        place=jax.device_put,
        times=Times(total, log, save, keep or None),
        batch=BATCH,
        examples=EXAMPLES,
        parameters=WIDTH * WIDTH + WIDTH,
        devices=1,
        kind="cpu",
        evaluations=(Evaluation("norms", every, False, "val/", evaluate),),
    )


def run(workdir: str, spec: str = "doc = 'toy'\n", **settings) -> Outcome:
    program = training(**settings)
    opened = Workdir(workdir, spec)
    try:
        with Progress(Console(file=sys.stdout), total=program.times.total, batch=BATCH) as progress:
            return train(program, opened, progress)
    finally:
        opened.close()


def main(workdir: str, words: list[str]) -> int:
    settings = {
        name: float(value) if "." in value else int(value) for name, value in (w.split("=") for w in words)
    }
    limit = settings.pop("limit", None)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        outcome = run(workdir, **settings)
    except Failed as failed:
        for told in failed.diagnostics:
            print(f"{told.severity}[{told.code}]: {told.message}", *told.notes, sep="\n  ", file=sys.stderr)
        return 1
    print(f"ended at step {outcome.step}", flush=True)
    return EXIT if outcome.signal else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
