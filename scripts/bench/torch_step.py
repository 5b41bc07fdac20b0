"""The peer of `trm-native bench`: the same training step in plain PyTorch eager.

The causal single-state model: at every cycle the state takes in the scaled
token embedding and goes through the same blocks; the loss is that of the last
cycle. Shapes in the comments: B batch, S positions, D width, V tokens.

    python torch_step.py --threads 2 --runs 5 '[{"width": 128, ...}]'

prints one JSON document. `scripts/bench-torch.mjs` calls it.
"""

from torch_parts import Attention, SwiGlu, adamw, inner_size, main, rms_norm, rotary, timed, update

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn = Attention(width, heads, causal=True)
        self.mlp = SwiGlu(width, inner_size(width))

    def forward(self, h, cos, sin):
        # Post-norm.
        h = rms_norm(h + self.self_attn(h, cos, sin))
        return rms_norm(h + self.mlp(h))


class Causal(nn.Module):
    def __init__(self, size):
        super().__init__()
        width, vocab = size["width"], size["vocab"]
        self.cycles = size["cycles"]
        self.scale = width**0.5
        self.z_init = nn.Parameter(torch.randn(width))
        self.embed_tokens = nn.Embedding(vocab, width)
        self.blocks = nn.ModuleList(Block(width, size["heads"]) for _ in range(size["blocks"]))
        self.lm_head = nn.Linear(width, vocab, bias=False)
        nn.init.normal_(self.embed_tokens.weight, std=width**-0.5)
        cos, sin = rotary(size["seq"], width // size["heads"])
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    def forward(self, tokens):
        x = self.embed_tokens(tokens) * self.scale  # [B, S, D]
        z = self.z_init.expand_as(x)
        for _ in range(self.cycles):
            z = z + x
            for block in self.blocks:
                z = block(z, self.cos, self.sin)
        return self.lm_head(z)  # [B, S, V]


def measure(size, runs):
    torch.manual_seed(1)
    model = Causal(size)
    optim = adamw(model)
    vocab, shape = size["vocab"], (size["batch"], size["seq"])

    def step():
        # Any tokens will do: the cost does not depend on them.
        tokens, targets = torch.randint(vocab, shape), torch.randint(vocab, shape)
        loss = F.cross_entropy(model(tokens).view(-1, vocab), targets.view(-1))
        return update(model, optim, loss)

    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        **timed(step, size["steps"], runs),
    }


if __name__ == "__main__":
    main(measure)
