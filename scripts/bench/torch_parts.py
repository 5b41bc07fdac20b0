"""What the peers of `trm-native bench` share: parts of their networks, and how
a step is timed and told.

Shapes in the comments: B batch, S positions, D width, H heads.
"""

import argparse
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")  # not needed here

import torch
import torch.nn.functional as F
from torch import nn

WARMUP = 3
EPS = 1e-5


def inner_size(width, expansion=4.0):
    """Inner width of a SwiGLU: a multiple of 256, rounded up."""
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


def rms_norm(x):
    """Over the last axis; the norm has no weight."""
    return F.rms_norm(x, x.shape[-1:], eps=EPS)


class Attention(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv_proj = nn.Linear(width, 3 * width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, h, cos, sin):
        batch, seq, width = h.shape
        heads = self.heads
        qkv = self.qkv_proj(h).view(batch, seq, 3 * heads, width // heads)
        # Queries and keys turn together: one pass less.
        q, k = rotate(qkv[:, :, : 2 * heads], cos, sin).transpose(1, 2).chunk(2, dim=1)
        v = qkv[:, :, 2 * heads :].transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)  # [B, H, S, D/H]
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, seq, width))


class SwiGlu(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate_up_proj = nn.Linear(width, 2 * inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, h):
        gate, up = self.gate_up_proj(h).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)


def adamw(model):
    """AdamW as it comes, decay on matrices only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), eps=1e-8)


def update(model, optim, loss):
    """Gradients, clipped, and a step of the optimizer."""
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optim.step()
    optim.zero_grad(set_to_none=True)
    return loss


def timed(step, steps, runs):
    """Milliseconds a step of `runs` runs of `steps` each, and the threads at work on average."""
    for _ in range(WARMUP):
        step()
    times, wall, cpu = [], time.perf_counter(), time.process_time()
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(steps):
            loss = step()
        loss.item()
        times.append((time.perf_counter() - start) * 1e3 / steps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"ms_per_step": times, "busy": cpu / wall}


def main(measure):
    """Prints what `measure(size, runs)` gives for every size on the command line."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__.splitlines()[0])
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
