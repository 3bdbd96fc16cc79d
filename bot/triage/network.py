"""A small neural network, trained with numpy: one hidden layer, units left out at random, several from other seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """How one network is trained. `left_out` is the share of hidden units that each step does without."""

    hidden: int = 128
    left_out: float = 0.3
    rounds: int = 12
    batch: int = 128
    rate: float = 1.5e-3
    decay: float = 1e-3


@dataclass(frozen=True)
class Network:
    """The numbers of one trained network."""

    hidden: Array
    hidden_bias: Array
    output: Array
    output_bias: Array

    def log_chances(self, features: Array) -> Array:
        """Logarithms of the probabilities of each level, one row for each row of features."""
        logits = np.maximum(features @ self.hidden + self.hidden_bias, 0) @ self.output + self.output_bias
        shifted = logits - logits.max(axis=1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)


def opinion(networks: Sequence[Network], features: Array) -> Array:
    """The mean opinion of several networks, as logarithms of probabilities up to a constant in each row."""
    return np.asarray(np.mean([network.log_chances(features) for network in networks], axis=0), dtype=np.float32)


def fit_several(features: Array, labels: NDArray[np.int64], *, levels: int, seeds: Sequence[int], plan: Plan) -> list[Network]:
    """One network for each seed; what one of them sees in the noise the others do not."""
    return [fit(features, labels, levels=levels, seed=seed, plan=plan) for seed in seeds]


def fit(features: Array, labels: NDArray[np.int64], *, levels: int, seed: int, plan: Plan) -> Network:
    """Train with Adam (Kingma and Ba 2015) on a rate that falls to nothing along a half cosine; the same seed, the same network."""
    chance = np.random.default_rng(seed)
    rows, width = features.shape
    wanted = np.eye(levels, dtype=np.float32)[labels]
    weights: list[Array] = [
        (chance.standard_normal((width, plan.hidden)) * np.sqrt(2 / width)).astype(np.float32),
        np.zeros(plan.hidden, np.float32),
        (chance.standard_normal((plan.hidden, levels)) * 0.3 * np.sqrt(2 / plan.hidden)).astype(np.float32),
        np.zeros(levels, np.float32),
    ]
    drift = [np.zeros_like(array) for array in weights]
    spread = [np.zeros_like(array) for array in weights]
    steps = plan.rounds * -(-rows // plan.batch)
    step = 0
    for _ in range(plan.rounds):
        order = chance.permutation(rows)
        for start in range(0, rows, plan.batch):
            step += 1
            chosen = order[start : start + plan.batch]
            kept = (chance.random((len(chosen), plan.hidden)) > plan.left_out).astype(np.float32) / np.float32(1 - plan.left_out)
            slopes = _slopes(weights, features[chosen], wanted[chosen], kept)
            rate = plan.rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            for number, slope in enumerate(slopes):
                drift[number] += 0.1 * (slope - drift[number])
                spread[number] += 0.001 * (slope * slope - spread[number])
                size = np.sqrt(spread[number] / (1 - 0.999**step)) + 1e-8
                weights[number] -= (rate * (drift[number] / (1 - 0.9**step)) / size).astype(np.float32)
            for matrix in (weights[0], weights[2]):
                matrix *= np.float32(1 - rate * plan.decay)
    return Network(*weights)


def _slopes(weights: Sequence[Array], seen: Array, wanted: Array, kept: Array) -> tuple[Array, Array, Array, Array]:
    """The slope of the loss along every weight for one batch."""
    hidden, hidden_bias, output, output_bias = weights
    raw = seen @ hidden + hidden_bias
    active = np.maximum(raw, 0) * kept
    logits = active @ output + output_bias
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = ((chances / chances.sum(axis=1, keepdims=True)) - wanted) / np.float32(len(seen))
    back = (error @ output.T) * (raw > 0) * kept
    return seen.T @ back, back.sum(axis=0), active.T @ error, error.sum(axis=0)
