"""The peer of `trm-native bench`: the same training step in plain PyTorch eager.

The causal single-state model: at every cycle the state takes in the scaled
token embedding and goes through the same blocks; the loss is that of the last
cycle. Shapes in the comments: B batch, S positions, D width, H heads, V tokens.

    python torch_step.py --threads 2 --runs 5 '[{"width": 128, ...}]'

prints one JSON document. `scripts/bench-torch.mjs` calls it.
"""

import argparse
import json
import time
import warnings

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")  # not needed here

import torch
import torch.nn.functional as F
from torch import nn

WARMUP = 3
EPS = 1e-5


def inner_size(width, expansion=4.0):
    """Inner width of the SwiGLU: a multiple of 256, rounded up."""
    return -(-round(expansion * width * 2 / 3) // 256) * 256


def rotary(positions, head_dim, theta=1e4):
    """Cosine and sine, each [S, 1, D/H]."""
    frequency = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angle = torch.outer(torch.arange(positions).float(), frequency).repeat(1, 2)
    return angle.cos()[:, None], angle.sin()[:, None]


def rotate(x, cos, sin):
    """Rotate-half on [B, S, heads, D/H]."""
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-high, low), dim=-1) * sin


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        inner = inner_size(width)
        self.qkv_proj = nn.Linear(width, 3 * width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.gate_up_proj = nn.Linear(width, 2 * inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def attend(self, h, cos, sin):
        batch, seq, width = h.shape
        heads = self.heads
        qkv = self.qkv_proj(h).view(batch, seq, 3 * heads, width // heads)
        # Queries and keys turn together: one pass less.
        q, k = rotate(qkv[:, :, : 2 * heads], cos, sin).transpose(1, 2).chunk(2, dim=1)
        v = qkv[:, :, 2 * heads :].transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # [B, H, S, D/H]
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, seq, width))

    def feed(self, h):
        gate, up = self.gate_up_proj(h).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)

    def forward(self, h, cos, sin):
        # Post-norm, and the norm has no weight.
        h = F.rms_norm(h + self.attend(h, cos, sin), h.shape[-1:], eps=EPS)
        return F.rms_norm(h + self.feed(h), h.shape[-1:], eps=EPS)


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


def optimizer(model):
    """AdamW as it comes, decay on matrices only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), eps=1e-8)


def measure(size, runs):
    torch.manual_seed(1)
    model = Causal(size)
    optim = optimizer(model)
    vocab, shape = size["vocab"], (size["batch"], size["seq"])

    def step():
        # Any tokens will do: the cost does not depend on them.
        tokens, targets = torch.randint(vocab, shape), torch.randint(vocab, shape)
        loss = F.cross_entropy(model(tokens).view(-1, vocab), targets.view(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optim.step()
        optim.zero_grad(set_to_none=True)
        return loss

    for _ in range(WARMUP):
        step()
    times, wall, cpu = [], time.perf_counter(), time.process_time()
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(size["steps"]):
            loss = step()
        loss.item()
        times.append((time.perf_counter() - start) * 1e3 / size["steps"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "ms_per_step": times,
        # Threads at work on average.
        "busy": cpu / wall,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("sizes", type=json.loads)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    measured = [measure(size, options.runs) for size in options.sizes]
    report = {
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "configurations": measured,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
