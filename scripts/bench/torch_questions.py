"""The peer of `trm-native bench --part questions`: the training step of a recursive model
on the latents of a frozen decoder (LLM-TRM) in plain PyTorch eager.

The states of the trunk are given, as they are computed once and kept; the step runs the
compressor, the recursion and the decoder's upper layers with adapters. Written from the
description of the model, in f32; where PyTorch has a fused operation it is taken. Shapes
in the comments: B questions, S positions, D width of the decoder, d of the latents, M
latents, N supervision steps.

    python torch_questions.py --threads 1 --runs 5 '[{"cut": 24, ...}]'

prints one JSON document. `scripts/bench-torch.mjs` calls it.
"""

from torch_parts import EPS, Attention, SwiGlu, adamw, main, rms_norm, rotary, rotate, timed, update

import torch
import torch.nn.functional as F
from torch import nn


class Lora(nn.Module):
    def __init__(self, width, out, rank, alpha):
        super().__init__()
        self.a = nn.Linear(width, rank, bias=False)
        self.b = nn.Linear(rank, out, bias=False)
        self.scaling = alpha / rank

    def forward(self, x):
        return self.scaling * self.b(self.a(x))


class Layer(nn.Module):
    """A frozen layer of a Llama decoder; its adapters are passed in, since they are trained."""

    def __init__(self, size):
        super().__init__()
        width, kv = size["base_width"], size["base_kv_width"]
        self.heads, self.head_dim = size["base_heads"], size["base_width"] // size["base_heads"]
        self.widths = (width, kv, kv)
        self.norm1, self.norm2 = (nn.RMSNorm(width, eps=EPS) for _ in range(2))
        self.qkv = nn.Linear(width, sum(self.widths), bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * size["base_inner"], bias=False)
        self.down = nn.Linear(size["base_inner"], width, bias=False)

    def forward(self, x, lora, waves, mask, past=None):
        """x [B, S, D] behind `past`, keys and values [B, heads, S, D/heads]; also its own."""
        batch, seq, width = x.shape
        h = self.norm1(x)
        more = torch.cat([adapter(h) for adapter in (lora["q"], lora["k"], lora["v"])], dim=-1)
        q, k, v = (self.qkv(h) + more).split(self.widths, dim=-1)
        q, k, v = (part.view(batch, seq, -1, self.head_dim) for part in (q, k, v))
        q, k = rotate(q, *waves).transpose(1, 2), rotate(k, *waves).transpose(1, 2)
        own = (k, v.transpose(1, 2))
        k, v = own if past is None else (torch.cat(pair, dim=2) for pair in zip(past, own))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        mixed = mixed.transpose(1, 2).reshape(batch, seq, width)
        x = x + self.out(mixed) + lora["o"](mixed)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up), own


class Compressor(nn.Module):
    """Learned queries that attend to the states of a question."""

    def __init__(self, size):
        super().__init__()
        width = size["width"]
        self.heads, self.longest = size["heads"], size["longest"]
        self.bands = size["bands"]
        self.q_proj = nn.Linear(width, width, bias=False)
        self.kv_proj = nn.Linear(size["base_width"] + 4 * self.bands, 2 * width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.mlp = SwiGlu(width, size["inner"])

    def positions(self, count):
        """Sines and cosines of the distances from both ends, [S, 4 bands]."""
        rates = self.longest ** (-torch.arange(self.bands) / (self.bands - 1))
        places = torch.arange(count)[:, None]
        angles = [places * rates, (count - 1 - places) * rates]
        return torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())], dim=-1)

    def forward(self, states, latents):
        batch, seq, _ = states.shape
        positions = self.positions(seq).expand(batch, -1, -1)
        kv = self.kv_proj(torch.cat((rms_norm(states), positions), dim=-1))
        k, v = kv.view(batch, seq, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        latents = latents.expand(batch, -1, -1)
        q = self.q_proj(latents).view(batch, latents.shape[1], self.heads, -1).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape_as(latents)
        h = rms_norm(latents + self.o_proj(mixed))
        return rms_norm(h + self.mlp(h))


class Network(nn.Module):
    """Blocks of attention over the latents and SwiGLU, normed after each."""

    def __init__(self, size):
        super().__init__()
        width, heads = size["width"], size["heads"]
        self.attention = nn.ModuleList(Attention(width, heads, causal=False) for _ in range(size["blocks"]))
        self.mlp = nn.ModuleList(SwiGlu(width, size["inner"]) for _ in range(size["blocks"]))
        self.waves = rotary(size["latents"], width // heads)

    def forward(self, h):
        for attention, mlp in zip(self.attention, self.mlp):
            h = rms_norm(h + attention(h, *self.waves))
            h = rms_norm(h + mlp(h))
        return h


class LatentTrm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        base, width, rank, alpha = size["base_width"], size["width"], size["rank"], size["alpha"]
        outs = {"q": base, "k": size["base_kv_width"], "v": size["base_kv_width"], "o": base}
        self.latents = nn.Parameter(0.1 * torch.randn(size["latents"], width))
        self.compress = Compressor(size)
        self.network = Network(size)
        self.up_proj = nn.Linear(width, base, bias=False)
        self.slots = nn.Parameter(torch.zeros(size["latents"], base))
        self.halt = nn.Linear(width, 1)
        self.think = nn.Linear(base, 1, bias=False)
        self.lora = nn.ModuleList(
            nn.ModuleDict({name: Lora(base, out, rank, alpha) for name, out in outs.items()})
            for _ in range(size["base_layers"] - size["cut"])
        )


class Frozen(nn.Module):
    """The layers above the cut and the output layer; nothing in it is trained."""

    def __init__(self, size):
        super().__init__()
        self.layers = nn.ModuleList(Layer(size) for _ in range(size["base_layers"] - size["cut"]))
        self.norm = nn.RMSNorm(size["base_width"], eps=EPS)
        self.head = nn.Linear(size["base_width"], size["vocab"], bias=False)
        self.requires_grad_(False)

    def run(self, x, adapters, waves, mask, past=None):
        own = []
        for i, (layer, lora) in enumerate(zip(self.layers, adapters)):
            x, kv = layer(x, lora, waves, mask, past and past[i])
            own.append(kv)
        return x, own

    def logits(self, x, think):
        x = self.norm(x)
        return torch.cat((self.head(x), think(x)), dim=-1)


def training_step(size):
    model, frozen = LatentTrm(size), Frozen(size)
    optim = adamw(model)
    batch, base, count = size["batch"], size["base_width"], size["latents"]
    question, answer, window, steps = size["question"], size["answer"], size["window"], size["supervision_steps"]
    # States of question, <think> and answer at the cut. Any will do: the cost does not depend on them.
    states = torch.randn(batch, question + 1 + answer, base)
    labels = torch.randint(size["vocab"], (batch, 1 + answer))
    cos, sin = rotary(question + count + 1 + answer, base // size["base_heads"], size["base_theta"])
    behind = count + 1 + answer
    near = cos[question - window : question], sin[question - window : question]
    far = cos[question:], sin[question:]
    before = torch.ones(window, window, dtype=torch.bool).tril()
    after = torch.cat((torch.ones(behind, window, dtype=torch.bool), torch.ones(behind, behind, dtype=torch.bool).tril()), dim=1)
    weights = torch.arange(1, steps + 1) / (steps * (steps + 1) / 2)

    def step():
        u = model.compress(states[:, : question + 1], model.latents)
        x, past = frozen.run(states[:, question - window : question], model.lora, near, before)
        asked = frozen.logits(x[:, -1], model.think)  # [B, vocab + 1]
        y = z = torch.zeros_like(u)
        ends = []
        for _ in range(steps):
            y, z = y.detach(), z.detach()
            for cycle in range(size["h_cycles"]):
                # Only the last has a gradient.
                with torch.set_grad_enabled(cycle + 1 == size["h_cycles"]):
                    for _ in range(size["l_cycles"]):
                        z = model.network(u + y + z)
                    y = model.network(y + z)
            ends.append(y)
        # All steps are read as rows of one batch.
        y = torch.cat(ends)  # [N B, M, d]
        many = lambda kv: kv.repeat(steps, 1, 1, 1)
        past = [(many(k), many(v)) for k, v in past]
        x = torch.cat((model.up_proj(y) + model.slots, states[:, question:].repeat(steps, 1, 1)), dim=1)
        x, _ = frozen.run(x, model.lora, far, after, past)
        logits = frozen.logits(x[:, count:], model.think)  # [N B, 1 + A, vocab + 1]
        losses = F.cross_entropy(logits.flatten(0, 1), labels.repeat(steps, 1).flatten(), reduction="none")
        exact = (logits.argmax(-1) == labels.repeat(steps, 1)).all(-1).float()
        halting = F.binary_cross_entropy_with_logits(model.halt(y[:, 0])[:, 0], exact)
        think = F.cross_entropy(asked, torch.full((batch,), size["vocab"]))
        loss = (losses.view(steps, -1).mean(1) * weights).sum() + think + 0.5 * halting
        return update(model, optim, loss)

    return model, step


def measure(size, runs):
    torch.manual_seed(1)
    model, step = training_step(size)
    # Mean and deviation of the trunk's states are stored beside the weights.
    buffers = 2 * size["base_width"]
    return {
        "name": size["name"],
        "batch": size["batch"],
        "parameters": sum(p.numel() for p in model.parameters()) + buffers,
        **timed(step, size["steps"], runs),
    }


if __name__ == "__main__":
    main(measure)
