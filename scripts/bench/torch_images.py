"""The peer of `trm-native bench --part images`: image models in plain PyTorch eager.

The training step of a recursive head on the features of a frozen ViT (TRM-ViT), and
the features of a ViT. Written from the published description, in f32; where
PyTorch has a fused operation it is taken. Shapes in the comments: B images,
S positions, D width, C classes.

    python torch_images.py --threads 2 --runs 5 '[{"kind": "head", ...}]'

prints one JSON document. `scripts/bench-torch.mjs` calls it.
"""

from torch_parts import adamw, main, timed, update

import torch
import torch.nn.functional as F
from torch import nn


class GatedMlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate_up_proj = nn.Linear(width, 2 * inner)
        self.down_proj = nn.Linear(inner, width)

    def forward(self, h):
        gate, up = self.gate_up_proj(h).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)


class Head(nn.Module):
    """`z = α·z + f(x + y + z)` some times, then `y = α·y + f(y + z)`; no residual inside f."""

    def __init__(self, size):
        super().__init__()
        width, positions = size["width"], size["tokens"] + 1
        self.inner_steps, self.outer_steps = size["inner_steps"], size["outer_steps"]
        self.patchifier = nn.Linear(size["feature_size"], width)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.token_mlp = GatedMlp(positions, size["expansion"] * positions)
        self.mlp = GatedMlp(width, size["expansion"] * width)
        self.alpha = nn.Parameter(torch.full((width,), 0.1))
        self.lm_head = nn.Linear(width, size["classes"])
        self.register_buffer("y_init", torch.randn(width))
        self.register_buffer("z_init", torch.randn(width))

    def network(self, h):
        h = rms_norm(self.token_mlp(h.transpose(1, 2)).transpose(1, 2))
        return rms_norm(self.mlp(h))

    def forward(self, features):
        x = self.patchifier(features)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1)  # [B, S, D]
        y, z = self.y_init.expand_as(x), self.z_init.expand_as(x)
        for _ in range(self.outer_steps):
            given = x + y
            for _ in range(self.inner_steps):
                z = torch.addcmul(self.network(given + z), self.alpha, z)
            y = torch.addcmul(self.network(y + z), self.alpha, y)
        return self.lm_head(y[:, 0])  # [B, C]


def rms_norm(x):
    """Over the features; the norm has no weight."""
    return F.rms_norm(x, x.shape[-1:], eps=1e-6)


class Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-12) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x):
        batch, seq, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, seq, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, H, S, D/H]
        mixed = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, seq, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Vit(nn.Module):
    """The hidden states after the last block, before the final norm."""

    def __init__(self, size):
        super().__init__()
        width, patch = size["width"], size["patch"]
        positions = 1 + (size["image"] // patch) ** 2
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, positions, width))
        self.blocks = nn.Sequential(*(Block(width, size["heads"], size["inner"]) for _ in range(size["blocks"])))

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1) + self.positions
        return self.blocks(x)  # [B, S, D]


def training_step(size):
    model = Head(size)
    optim = adamw(model)
    shape, classes = (size["batch"], size["tokens"], size["feature_size"]), size["classes"]

    def step():
        # Any features will do: the cost does not depend on them.
        loss = F.cross_entropy(model(torch.randn(shape)), torch.randint(classes, shape[:1]))
        return update(model, optim, loss)

    return model, step


def features(size):
    model = Vit(size)
    images = torch.randn(size["batch"], 3, size["image"], size["image"])

    @torch.inference_mode()
    def step():
        return model(images)[0, 0, 0]

    return model, step


def measure(size, runs):
    torch.manual_seed(1)
    model, step = {"head": training_step, "features": features}[size["kind"]](size)
    return {
        "parameters": sum(p.numel() for p in [*model.parameters(), *model.buffers()]),
        **timed(step, size["steps"], runs),
    }


if __name__ == "__main__":
    main(measure)
