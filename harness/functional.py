"""Stack any ``nn.Module``, each parameter in the plain network's layout behind a leading member axis.

Two ways to the logits: ``torch.func`` maps the plain network, the general path for families that write no program of
their own; or a family writes the forward pass over members itself, which is faster, and torch differentiates it.

Refused, because members would then depend on something beside their own parameters and batches: dropout (its numbers
are not drawn from a member's seed), buffers (running statistics and the like are not trained) and parameters that are
frozen.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, final

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.overrides import TorchFunctionMode

from harness.loss import mean_loss
from harness.stack import IMAGES_AT_ONCE, StackedNetwork
from registry.errors import UsageError

GROUPED_AT_LEAST: Final = 8  # below, the kernel of a grouped convolution depends on how many groups there are


Tensors = Mapping[str, torch.Tensor]


class PlainLayout(StackedNetwork, ABC):
    """K copies of one module, each parameter as (members, *its shape in the plain network).

    Nothing here is overridden but :meth:`bind`, which a subclass may extend.

    Args:
        build: Makes the plain network, of the (padded) shape.
        members: How many, K.
        blocks: Of parameters whose axes hold several things one after the other, such as gates, how many each axis
            holds: each is padded by itself.

    Raises:
        UsageError: If the network holds what cannot be stacked.
    """

    def __init__(
        self, build: Callable[[], nn.Module], members: int, blocks: Mapping[str, tuple[int, ...]] | None = None
    ) -> None:
        self._blocks = blocks or {}
        with shapes_alone():  # its own parameters are never read
            self._module = build()
        _refuse_what_cannot_be_stacked(self._module)
        self._shapes = {name: parameter.shape for name, parameter in self._module.named_parameters()}
        # a parameter that several layers share has several names in a state
        first = {id(parameter): name for name, parameter in reversed([*self._module.named_parameters()])}
        self._names = {name: first[id(p)] for name, p in self._module.named_parameters(remove_duplicate=False)}
        super().__init__(members, [shape.numel() for shape in self._shapes.values()])

    def bind(self) -> None:
        """View each parameter and its gradient in the plain network's layout."""
        self._leaves, self._gradients = self.leaves(self.parameters), self.leaves(self.gradient)

    def leaves(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """View flat parameters as (members, *shape of the parameter) each."""
        return [flat[:, s].view(len(flat), *shape) for s, shape in zip(self.spans, self._shapes.values(), strict=True)]

    def load(self, member: int, state: dict[str, torch.Tensor]) -> None:
        """Copy a plain network's state into one member; where it is smaller, into the corner of each parameter."""
        for name, leaf in zip(self._shapes, self._leaves, strict=True):
            given = self._apart(name, state[name])
            self._apart(name, leaf[member].zero_())[_corner(given)] = given

    def state(self, member: int, like: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return one member as a plain network's state, cut to the shapes of ``like``."""
        leaves, cut = self.named(self._leaves), {}
        for name, tensor in like.items():
            place = self._apart(name, leaves[self._names[name]][member])
            cut[name] = place[_corner(self._apart(name, tensor))].reshape(tensor.shape).clone()
        return cut

    def _apart(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """View each axis of a parameter as its blocks and what is in one."""
        blocks = self._blocks.get(name, ())
        return (
            tensor.view([n for axis, many in zip(tensor.shape, blocks, strict=True) for n in (many, axis // many)])
            if blocks
            else tensor
        )

    @final
    def named(self, leaves: Sequence[torch.Tensor]) -> Tensors:
        """Return leaves by the plain network's names of them."""
        return dict(zip(self._shapes, leaves, strict=True))


@final
class StackedModule(PlainLayout):
    """K copies of one module, mapped over their parameters.

    Args:
        build: Makes the plain network, of the (padded) shape.
        members: How many, K.

    Raises:
        UsageError: If the network holds what cannot be stacked.
    """

    def __init__(self, build: Callable[[], nn.Module], members: int) -> None:
        super().__init__(build, members)
        if any(isinstance(module, nn.modules.conv._ConvNd) for module in self._module.modules()):
            self.least_members = GROUPED_AT_LEAST  # mapped, a convolution becomes a grouped one
            self.examples_at_once = IMAGES_AT_ONCE

    def forward(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """Map leaves and inputs (members, batch, *input_shape) to logits (members, batch, n_outputs)."""
        logits: torch.Tensor = vmap(self._one)(tuple(leaves), inputs)
        return logits

    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean loss on its batch."""
        found = vmap(grad(self._loss))(tuple(self._leaves), inputs, labels)
        for place, gradient in zip(self._gradients, found, strict=True):
            place.copy_(gradient)

    def _one(self, leaves: tuple[torch.Tensor, ...], inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = functional_call(self._module, dict(self.named(leaves)), (inputs,))
        return logits

    def _loss(self, leaves: tuple[torch.Tensor, ...], inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return mean_loss(self._one(leaves, inputs), labels)


@final
class StackedForward(PlainLayout):
    """K copies of one module whose forward pass over all members a family has written down.

    Args:
        build: Makes the plain network, of the (padded) shape.
        forward: Maps parameters by name, each (members, *its shape), and inputs (members, batch, ...) to logits. Every
            operation of it works member by member.
        members: How many, K.
        members_at_once: As in :class:`StackedNetwork`; ``examples_at_once`` may be set afterwards.

    Raises:
        UsageError: If the network holds what cannot be stacked.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        forward: Callable[[Tensors, torch.Tensor], torch.Tensor],
        members: int,
        members_at_once: int,
    ) -> None:
        self._forward, self.members_at_once = forward, members_at_once
        super().__init__(build, members)

    def bind(self) -> None:
        """View each parameter as a leaf that torch differentiates by."""
        super().bind()
        self._differentiated = [leaf.detach().requires_grad_() for leaf in self._leaves]

    def forward(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """Map leaves and inputs (members, batch, *input_shape) to logits (members, batch, n_outputs)."""
        return self._forward(self.named(leaves), inputs)

    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean loss on its batch."""
        logits = self.forward(self._differentiated, inputs)
        found = torch.autograd.grad(logits, self._differentiated, loss_gradient(logits.detach(), labels))
        for place, gradient in zip(self._gradients, found, strict=True):
            place.copy_(gradient)


def _corner(tensor: torch.Tensor) -> tuple[slice, ...]:
    return tuple(slice(n) for n in tensor.shape)


def loss_gradient(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each member's mean loss (:mod:`harness.loss`) by its logits.

    Written out because at many positions with many symbols torch's own takes three times as long.

    Args:
        logits: (members, batch, n_outputs), or (members, batch, length, n_outputs).
        labels: (members, batch), or (members, batch, length).
    """
    if labels.is_floating_point():
        return (logits - labels.unsqueeze(-1)).mul_(2 / labels[0].numel())
    found = torch.softmax(logits, dim=-1)
    found.scatter_add_(-1, labels.unsqueeze(-1), found.new_full((), -1.0).expand(*labels.shape, 1))
    return found.div_(labels[0].numel())


@final
class _NoNormal(TorchFunctionMode):
    """Leaves out normal initial values: without memory torch would first import its compiler, for seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        return kwargs["tensor"] if func is nn.init.normal_ else func(*args, **kwargs)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Make modules built here have parameters of their shapes, but neither memory nor values."""
    with torch.device("meta"), _NoNormal():
        yield


def dense(inputs: torch.Tensor, named: Tensors, name: str) -> torch.Tensor:
    """Apply each member's layer ``name``, an ``nn.Linear``: (members, rows, in) to (members, rows, out)."""
    weight, bias = named[f"{name}.weight"].transpose(1, 2), named.get(f"{name}.bias")
    return torch.bmm(inputs, weight) if bias is None else torch.baddbmm(bias.unsqueeze(1), inputs, weight)


def _refuse_what_cannot_be_stacked(network: nn.Module) -> None:
    """Raise for dropout, buffers and frozen parameters, named by where they are."""
    dropout = [n for n, m in network.named_modules() if isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0]
    recurrent = [n for n, m in network.named_modules() if isinstance(m, nn.RNNBase) and m.dropout > 0]
    buffers = [name for name, _ in network.named_buffers()]
    frozen = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    for what, where in (("dropout", dropout + recurrent), ("buffers", buffers), ("frozen parameters", frozen)):
        if where:
            raise UsageError(
                f"{type(network).__name__} has {what} ({', '.join(where)}), expected none in a stack",
                "leave them out, or give the family a stacked form of its own",
            )
