"""Multi-layer perceptrons: dense layers of one width with ReLU between them; depth 0 is a linear model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, Literal, final

import torch
from torch import nn

from harness.families.base import DENSE_LADDER, Family, Outputs, State, single
from harness.stack import StackedNetwork
from harness.trial import Shape

NETWORK_CLASS = "Mlp"
PARAMETERS_AT_ONCE: Final = 1 << 19


class Mlp(nn.Module):
    """Dense layers of ``width`` units with ReLU; ``depth`` hidden layers, 0 for a linear model.

    Args:
        input_shape: Shape of one example; flattened.
        n_outputs: Number of logits.
        width: Units of each hidden layer.
        depth: Number of hidden layers.
    """

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int, width: int, depth: int) -> None:
        super().__init__()
        sizes = [math.prod(input_shape), *[width] * depth, n_outputs]
        self.layers = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(depth + 1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map (batch, *input_shape) to logits (batch, n_outputs)."""
        hidden = inputs.flatten(1)
        for layer in self.layers[:-1]:
            hidden = torch.relu(layer(hidden))
        logits: torch.Tensor = self.layers[-1](hidden)
        return logits


@final
class StackedMlp(StackedNetwork):
    """K perceptrons as one chain of batched matrix products, with the gradient written out by hand."""

    def __init__(self, n_inputs: int, n_outputs: int, shape: Shape, members: int) -> None:
        sizes = [n_inputs, *[shape.width] * shape.depth, n_outputs]
        self._pairs = list(itertools.pairwise(sizes))
        scalars = [n for a, b in self._pairs for n in (a * b, b)]
        # measured: 64 at once up to width 32, 16 at width 128
        self.members_at_once = min(64, max(8, PARAMETERS_AT_ONCE // sum(scalars)))
        super().__init__(members, scalars)

    def bind(self) -> None:
        """View each layer's weight, (members, in, out), and bias, (members, 1, out), and their gradients."""
        self._leaves, gradients = self.leaves(self.parameters), self.leaves(self.gradient)
        self._weights, self._biases = self._leaves[::2], self._leaves[1::2]
        self._weight_gradients, self._bias_gradients = gradients[::2], gradients[1::2]
        self._products = [torch.empty_like(weight, memory_format=torch.contiguous_format) for weight in self._weights]
        self._minus_one = self.parameters.new_full((1, 1, 1), -1.0)

    def leaves(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """View flat parameters as weight and bias of each layer, in turn."""
        shapes = [shape for a, b in self._pairs for shape in ((a, b), (1, b))]
        return [flat[:, span].view(len(flat), *shape) for span, shape in zip(self.spans, shapes, strict=True)]

    def load(self, member: int, state: State) -> None:
        """Copy a plain network's state into one member; what is padded stays zero."""
        for i, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            given = state[f"layers.{i}.weight"].T
            weight[member].zero_()[: given.shape[0], : given.shape[1]] = given
            bias[member].zero_()[0, : given.shape[1]] = state[f"layers.{i}.bias"]

    def state(self, member: int, like: State) -> State:
        """Return one member as a plain network's state, cut to the shapes of ``like``."""
        cut: State = {}
        for i, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            n_out, n_in = like[f"layers.{i}.weight"].shape
            cut[f"layers.{i}.weight"] = weight[member, :n_in, :n_out].T.contiguous()
            cut[f"layers.{i}.bias"] = bias[member, 0, :n_out].clone()
        return cut

    def forward(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """Map leaves and inputs (members, batch, *input_shape) to logits (members, batch, n_outputs)."""
        return self._activations(leaves, inputs)[-1]

    def _activations(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> list[torch.Tensor]:
        """Return the input and the output of every layer, logits last."""
        outputs = [inputs.flatten(2)]
        for i, (weight, bias) in enumerate(zip(leaves[::2], leaves[1::2], strict=True)):
            z = torch.baddbmm(bias, outputs[-1], weight)
            outputs.append(z if 2 * i + 2 == len(leaves) else z.relu_())
        return outputs

    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean loss on its batch."""
        outputs = self._activations(self._leaves, inputs)
        if labels.is_floating_point():
            delta = (outputs[-1] - labels.unsqueeze(2)).mul_(2 / labels.shape[1])
        else:
            delta = torch.softmax(outputs[-1], dim=2)
            delta.scatter_add_(2, labels.unsqueeze(2), self._minus_one.expand(*labels.shape, 1))
            delta.div_(labels.shape[1])
        for i in reversed(range(len(self._weights))):
            # into one piece and then in place: into the strided view torch multiplies member by member
            self._weight_gradients[i].copy_(torch.bmm(outputs[i].transpose(1, 2), delta, out=self._products[i]))
            torch.sum(delta, dim=1, keepdim=True, out=self._bias_gradients[i])
            if i:
                delta = torch.bmm(delta, self._weights[i].transpose(1, 2))
                delta.mul_(outputs[i].sign_())  # 1 where the unit is active, 0 elsewhere; the output is not used again


@final
class MlpFamily(Family):
    """Perceptrons over flattened inputs; of symbols, such as a text's, over one-hot rows."""

    name = "mlp"
    tasks = ("image-cls", "tabular-cls", "tabular-reg", "text-cls")
    depths = (0, 1, 2)
    buckets = (8, 16, 32, 64, 128, 256)
    pack_steps = 250_000  # measured: 2.5e4 to 5e4 a second on digits, up to width 64

    def fits(self, input_shape: tuple[int, ...]) -> bool:
        """Take any input: it is flattened."""
        return math.prod(input_shape) > 0

    def ladder(self, depth: int) -> tuple[int, ...]:
        """Return the dense ladder, or the one width 0 at depth 0."""
        return DENSE_LADDER if depth else (0,)

    def network(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> nn.Module:
        """Build the plain network."""
        return Mlp(input_shape, single(n_outputs), shape.width, shape.depth)

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw He-uniform weights for hidden layers, LeCun-uniform for the last, zero biases.

        Source:
            He et al. 2015, arXiv:1502.01852; LeCun et al. 1998, "Efficient BackProp".
        """
        layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
        for layer in layers:
            gain: Literal["linear", "relu"] = "linear" if layer is layers[-1] else "relu"
            nn.init.kaiming_uniform_(layer.weight, nonlinearity=gain, generator=generator)
            nn.init.zeros_(layer.bias)

    def stacked(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, members: int) -> StackedNetwork:
        """Build the batched program."""
        return StackedMlp(math.prod(input_shape), single(n_outputs), shape, members)

    def head(self, network: nn.Module) -> nn.Module:
        """Return the last dense layer."""
        return [m for m in network.modules() if isinstance(m, nn.Linear)][-1]


PLUGIN = MlpFamily()
