"""How low the error on glyphs can go: nearest neighbours among many images, and a large network on fresh ones.

Takes some minutes. ``-s`` shows the figures; those on record are in ``Glyphs.near_bayes_error`` and docs/log.md.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from harness import plugins
from harness.datasets.glyphs import Glyphs

REFERENCES, QUERIES = 200_000, 10_000
BLOCKS, PER_BLOCK, BATCH, RATE = 40, 12_800, 64, 2e-3


@pytest.fixture(scope="module")
def glyphs() -> Glyphs:
    torch.set_num_threads(1)
    found: Glyphs = plugins.load("datasets", "glyphs")
    return found


def nearest_neighbour_error(glyphs: Glyphs, n: int) -> float:
    """Return the test error of the nearest of ``n`` fresh images, by Euclidean distance of pixels."""
    test, known = glyphs.test(), glyphs.sample(n, seed=0)
    queries = torch.tensor(test.inputs).flatten(1)
    nearest = torch.full((len(queries),), torch.inf)
    answer = torch.zeros(len(queries), dtype=torch.int64)
    for block in torch.arange(n).split(20_000):
        references = torch.tensor(known.inputs[block.numpy()]).flatten(1)
        distance, at = ((references**2).sum(1) - 2 * queries @ references.T).min(dim=1)
        answer = torch.where(distance < nearest, block[at], answer)
        nearest = torch.minimum(distance, nearest)
    return float(np.mean(known.labels[answer.numpy()] != test.labels))


def network_error(glyphs: Glyphs) -> float:
    """Return the test error of a network of 324,826 parameters that sees 512,000 images, each once."""
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 16, 256), nn.ReLU(), nn.Linear(256, glyphs.n_classes)),
    )
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=BLOCKS * PER_BLOCK // BATCH)
    for block in range(BLOCKS):
        seen = glyphs.sample(PER_BLOCK, seed=1 + block)
        inputs, labels = torch.tensor(seen.inputs), torch.tensor(seen.labels)
        for batch in torch.randperm(PER_BLOCK).split(BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(network(inputs[batch]), labels[batch]).backward()
            optimiser.step()
            schedule.step()
    test = glyphs.test()
    with torch.no_grad():
        answer = network(torch.tensor(test.inputs)).argmax(dim=1).numpy()
    return float(np.mean(answer != test.labels))


def test_more_neighbours_and_a_large_network_come_close_to_the_best_there_is(glyphs: Glyphs) -> None:
    errors = {
        "nearest of 20,000": nearest_neighbour_error(glyphs, REFERENCES // 10),
        "nearest of 200,000": nearest_neighbour_error(glyphs, REFERENCES),
        "network": network_error(glyphs),
    }
    print(errors)

    assert errors["network"] < errors["nearest of 200,000"] < errors["nearest of 20,000"]
    assert glyphs.near_bayes_error == pytest.approx(errors["network"], abs=0.001)
