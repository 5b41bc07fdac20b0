"""The peer of `trm-native bench --part puzzles`: the official TRM's training step in plain PyTorch eager.

The dual-state model: one network refines a latent state and an answer in turn,
and only the last cycle leaves a gradient. A step is one supervision step of the
puzzles under way: rows that halted take a new puzzle, all are scored, some
halt. Written from the paper (arXiv 2510.04871) and what the official code
computes, in f32, with the loss in f64 as there; where PyTorch has a fused or a
grouped operation it is taken. Shapes in the comments: B rows, S cells, D width,
V tokens.

    python torch_dual_step.py --threads 2 --runs 5 '[{"width": 128, ...}]'

prints one JSON document. `scripts/bench-torch.mjs` calls it.
"""

from torch_parts import EPS, Attention, SwiGlu, inner_size, main, rotary, timed

import torch
import torch.nn.functional as F
from torch import nn

HALT_WEIGHT = 0.5
EXPLORATION = 0.1
AVERAGE = 0.999


def rms_norm(x):
    """Over the last axis. On a transposed tensor PyTorch's fused one takes longer than this."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        width, seq, expansion = size["width"], size["seq"], size["expansion"]
        if size["mixer"] == "attention":
            self.self_attn = Attention(width, size["heads"], causal=False)
        else:
            self.mlp_t = SwiGlu(seq, inner_size(seq, expansion))
        self.mlp = SwiGlu(width, inner_size(width, expansion))

    def forward(self, h, turn):
        if turn is not None:
            h = rms_norm(h + self.self_attn(h, *turn))
        else:
            # Over the cells; so is this one norm.
            h = h.transpose(1, 2)
            h = rms_norm(h + self.mlp_t(h)).transpose(1, 2)
        return rms_norm(h + self.mlp(h))


class Dual(nn.Module):
    def __init__(self, size):
        super().__init__()
        width, vocab = size["width"], size["vocab"]
        self.h_cycles, self.l_cycles = size["h_cycles"], size["l_cycles"]
        self.scale = width**0.5
        self.embed_tokens = nn.Embedding(vocab, width)
        self.lm_head = nn.Linear(width, vocab, bias=False)
        self.q_head = nn.Linear(width, 2)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size["blocks"]))
        self.register_buffer("h_init", torch.randn(width))
        self.register_buffer("l_init", torch.randn(width))
        self.turn = rotary(size["seq"], width // size["heads"]) if size["mixer"] == "attention" else None
        nn.init.normal_(self.embed_tokens.weight, std=width**-0.5)
        nn.init.zeros_(self.q_head.weight)
        nn.init.constant_(self.q_head.bias, -5.0)

    def network(self, h):
        for block in self.blocks:
            h = block(h, self.turn)
        return h

    def cycle(self, x, y, z):
        given = y + x
        for _ in range(self.l_cycles):
            z = self.network(z + given)
        return self.network(y + z), z

    def forward(self, tokens, y, z):
        """One supervision step from the states [B, S, D]: new states, logits [B, S, V], halting logits [B]."""
        x = self.embed_tokens(tokens) * self.scale
        with torch.no_grad():
            for _ in range(self.h_cycles - 1):
                y, z = self.cycle(x, y, z)
        y, z = self.cycle(x, y, z)
        return y.detach(), z.detach(), self.lm_head(y), self.q_head(y[:, 0])[:, 0]


def stablemax_loss(logits, labels):
    """Of every cell, in nats and in f64: [B, S, V], [B, S] → [B, S]. Labels below 0 do not count."""
    logits = logits.double()
    s = torch.where(logits < 0, 1 / (1 - logits), logits + 1)
    counts = labels >= 0
    own = s.gather(-1, torch.where(counts, labels, 0).unsqueeze(-1)).squeeze(-1)
    return torch.where(counts, -torch.log(own / s.sum(-1)), 0)


class Carry:
    """Puzzles under way; before the first step all rows make room."""

    def __init__(self, size):
        rows, cells = size["batch"], (size["batch"], size["seq"])
        self.most = size["halt_max_steps"]
        self.y = self.z = torch.zeros(*cells, size["width"])
        self.inputs = self.labels = torch.zeros(cells, dtype=torch.long)
        self.steps = torch.zeros(rows, dtype=torch.long)
        self.halted = torch.ones(rows, dtype=torch.bool)

    def refill(self, model, inputs, labels):
        """Rows that halted begin a new puzzle."""
        cells, states = self.halted[:, None], self.halted[:, None, None]
        self.y = torch.where(states, model.h_init, self.y)
        self.z = torch.where(states, model.l_init, self.z)
        self.inputs = torch.where(cells, inputs, self.inputs)
        self.labels = torch.where(cells, labels, self.labels)
        self.steps = torch.where(self.halted, 0, self.steps)

    def halt(self, q):
        """Rows that believe themselves done halt, unless they explore."""
        self.steps = self.steps + 1
        explore = torch.rand_like(q) < EXPLORATION
        least = explore * torch.randint_like(self.steps, 2, self.most + 1)
        self.halted = ((self.steps >= self.most) | (q > 0)) & (self.steps >= least)


class AdamAtan2:
    """Decay of the weights, then a step of atan2(m, √v), over all parameters at once."""

    def __init__(self, parameters, rate, betas, decay):
        self.parameters, self.rate, self.betas, self.decay = parameters, rate, betas, decay
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]
        self.time = 0

    @torch.no_grad()
    def step(self):
        self.time += 1
        beta1, beta2 = self.betas
        grads = [p.grad for p in self.parameters]
        torch._foreach_lerp_(self.m, grads, 1 - beta1)
        torch._foreach_mul_(self.v, beta2)
        torch._foreach_addcmul_(self.v, grads, grads, 1 - beta2)
        root = torch._foreach_sqrt(self.v)
        torch._foreach_div_(root, (1 - beta2**self.time) ** 0.5)
        # There is no grouped one of these.
        for m, r in zip(self.m, root):
            torch.atan2(m, r, out=r)
        torch._foreach_mul_(self.parameters, 1 - self.rate * self.decay)
        torch._foreach_add_(self.parameters, root, alpha=-self.rate / (1 - beta1**self.time))
        for p in self.parameters:
            p.grad = None


class Score:
    """What is right in the answers, off the tape."""

    @torch.no_grad()
    def __init__(self, logits, labels):
        self.counts = (labels >= 0).sum(-1)
        self.right = (logits.argmax(-1) == labels).sum(-1)
        self.exact = self.right == self.counts
        self.divisor = self.counts.clamp_min(1)

    @torch.no_grad()
    def sums(self, carry, q, answer, halt):
        """What the official code tells of the rows that halted, and both losses."""
        done = carry.halted & (self.counts > 0)
        return [
            done.sum(),
            torch.where(done, self.right / self.divisor, 0).sum(),
            (done & self.exact).sum(),
            (done & ((q >= 0) == self.exact)).sum(),
            torch.where(done, carry.steps, 0).sum(),
            answer.detach(),
            halt.detach(),
        ]


def measure(size, runs):
    torch.manual_seed(1)
    model = Dual(size)
    parameters = list(model.parameters())
    optim = AdamAtan2(parameters, rate=1e-3, betas=(0.9, 0.95), decay=0.1)
    average = [p.detach().clone() for p in parameters]
    carry = Carry(size)
    vocab, shape, rows = size["vocab"], (size["batch"], size["seq"]), size["batch"]

    def step():
        # Any puzzles will do: the cost does not depend on them.
        carry.refill(model, torch.randint(vocab, shape), torch.randint(vocab, shape))
        carry.y, carry.z, logits, q = model(carry.inputs, carry.y, carry.z)
        carry.halt(q.detach())
        score = Score(logits, carry.labels)
        answer = (stablemax_loss(logits, carry.labels) / score.divisor[:, None]).sum()
        halt = F.binary_cross_entropy_with_logits(q, score.exact.float(), reduction="sum")
        ((answer + HALT_WEIGHT * halt) / rows).backward()
        optim.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - AVERAGE)
        return score.sums(carry, q, answer, halt)[-2]

    buffers = [model.h_init, model.l_init]
    return {
        "parameters": sum(p.numel() for p in parameters + buffers),
        **timed(step, size["steps"], runs),
    }


if __name__ == "__main__":
    main(measure)
