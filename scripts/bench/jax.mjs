// The reference of the browser bench: the same computation with jax-js. A causal
// transformer of `layers` blocks has as many multiplications as ours with
// blocks × cycles = layers; blocks, loss and optimizer are the same.
//
// jax-js owns memory by reference counts: a use that is not the last one is `.ref`.

import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, random, tree, valueAndGrad } from "/jax/index.js";

const ADAM = { lr: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, decay: 0.1, clip: 1 };

/** Rotary tables, [seq, 1, head_dim]. */
function rotary(seq, width) {
  const half = width / 2;
  const table = (f) =>
    Array.from({ length: seq * width }, (_, i) => f(Math.floor(i / width) * 1e4 ** (-(i % half) / half)));
  return [Math.cos, Math.sin].map((f) => np.array(new Float32Array(table(f)), { shape: [seq, 1, width] }));
}

function rmsNorm(x) {
  const mean = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.div(np.sqrt(mean.add(1e-5)));
}

/** Rotate-half on [batch, seq, heads, head_dim]. */
function rotate(x, cos, sin) {
  const half = x.shape[3] / 2;
  const low = x.ref.slice([], [], [], [0, half]);
  const high = x.ref.slice([], [], [], [half, 2 * half]);
  return x.mul(cos).add(np.concatenate([high.mul(-1), low], -1).mul(sin));
}

function block(h, weights, cos, sin, heads) {
  const [batch, seq, width] = h.shape;
  const head = width / heads;
  const qkv = np.matmul(h.ref, weights.qkv).reshape([batch, seq, 3 * heads, head]);
  const q = rotate(qkv.ref.slice([], [], [0, heads]), cos.ref, sin.ref);
  const k = rotate(qkv.ref.slice([], [], [heads, 2 * heads]), cos, sin);
  const v = qkv.slice([], [], [2 * heads, 3 * heads]);
  const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([batch, seq, width]);
  h = rmsNorm(h.add(np.matmul(mixed, weights.out)));
  const gateUp = np.matmul(h.ref, weights.gateUp);
  const inner = gateUp.shape[2] / 2;
  const gate = nn.silu(gateUp.ref.slice([], [], [0, inner]));
  const up = gateUp.slice([], [], [inner, 2 * inner]);
  return rmsNorm(h.add(np.matmul(gate.mul(up), weights.down)));
}

/** Mean cross-entropy; tokens and targets arrive one-hot, [batch, seq, vocab]. */
function lossOf(params, tokens, targets, cos, sin, { width, heads }) {
  const count = targets.shape[0] * targets.shape[1];
  let h = np.matmul(tokens, params.embed).mul(Math.sqrt(width));
  for (const weights of params.blocks) h = block(h, weights, cos.ref, sin.ref, heads);
  cos.dispose();
  sin.dispose();
  const logits = np.matmul(h, params.head);
  return nn
    .logSoftmax(logits, -1)
    .mul(targets)
    .sum()
    .mul(-1 / count);
}

/** One AdamW update of one tensor, with decoupled weight decay. */
function adam(p, g, m, v, correct1, correct2) {
  m = m.mul(ADAM.beta1).add(g.ref.mul(1 - ADAM.beta1));
  v = v.mul(ADAM.beta2).add(np.square(g).mul(1 - ADAM.beta2));
  const update = m.ref.div(correct1).div(np.sqrt(v.ref.div(correct2)).add(ADAM.eps));
  return [p.mul(1 - ADAM.lr * ADAM.decay).sub(update.mul(ADAM.lr)), m, v];
}

function clipped(gradients) {
  const squares = gradients.map((g) => np.square(g.ref).sum());
  const norm = np.sqrt(squares.reduce((a, b) => a.add(b)));
  const scale = np.minimum(np.reciprocal(norm.add(1e-6)).mul(ADAM.clip), 1);
  const scaled = gradients.map((g) => g.mul(scale.ref));
  scale.dispose();
  return scaled;
}

function initial({ width, inner, layers, vocab }) {
  let seed = 0;
  const draw = (rows, columns) => random.normal(random.key(seed++), [rows, columns]).mul(1 / Math.sqrt(rows));
  return {
    embed: draw(vocab, width),
    head: draw(width, vocab),
    blocks: Array.from({ length: layers }, () => ({
      qkv: draw(width, 3 * width),
      out: draw(width, width),
      gateUp: draw(width, 2 * inner),
      down: draw(inner, width),
    })),
  };
}

/** A trainer whose `step()` resolves to the loss, read back as the page does. */
export async function open(device, sizes) {
  const available = await init(device);
  if (!available.includes(device)) throw new Error(`jax-js has no ${device} here`);
  defaultDevice(device);
  const { batch, seq, width, heads, vocab } = sizes;
  const [cos, sin] = rotary(seq, width / heads);

  const update = jit((params, ms, vs, correct1, correct2, tokens, targets, cos, sin) => {
    const encode = (ids) => nn.oneHot(ids, vocab);
    const loss = (weights) => lossOf(weights, encode(tokens), encode(targets), cos, sin, sizes);
    const [value, gradients] = valueAndGrad(loss)(tree.ref(params));
    const [leaves, shape] = tree.flatten(params);
    const updated = clipped(tree.leaves(gradients)).map((g, i) =>
      adam(leaves[i], g, ms[i], vs[i], correct1.ref, correct2.ref),
    );
    correct1.dispose();
    correct2.dispose();
    return [
      value,
      tree.unflatten(
        shape,
        updated.map((u) => u[0]),
      ),
      updated.map((u) => u[1]),
      updated.map((u) => u[2]),
    ];
  });

  let params = initial(sizes);
  let ms = tree.leaves(tree.ref(params)).map((p) => np.zerosLike(p));
  let vs = ms.map((m) => np.zerosLike(m.ref));
  let t = 0;
  let state = 1;
  const ids = () => {
    // Arbitrary tokens: the time does not depend on them.
    const values = Int32Array.from({ length: batch * seq }, () => (state = (state * 48_271) % 2_147_483_647) % vocab);
    return np.array(values, { shape: [batch, seq] });
  };
  return {
    async step() {
      t += 1;
      const corrections = [ADAM.beta1, ADAM.beta2].map((beta) => np.array([1 - beta ** t]));
      const result = update(params, ms, vs, ...corrections, ids(), ids(), cos.ref, sin.ref);
      [, params, ms, vs] = result;
      return (await result[0].data())[0];
    },
    /** Resolves when everything asked for has been computed. */
    settle: () => blockUntilReady([params, ms, vs]),
  };
}
