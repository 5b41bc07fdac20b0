// The manifest of the trained models that ship with the page: makes an entry from a
// checkpoint and its measured scores, and puts it into the list. Opens no files, so
// that it can be tested.

export const FORMAT = "trm-checkpoints/1";
/** Largest file in bytes, for the time of its download: four million parameters in f16. */
export const LARGEST = 8e6;

const NAME = /^[a-z0-9][a-z0-9-]*$/;

/** The configuration, step, number of parameters and frozen base of a checkpoint. */
export function describe(bytes) {
  const length = bytes.length >= 8 ? Number(bytes.readBigUInt64LE(0)) : NaN;
  if (!(length <= bytes.length - 8)) throw new Error("this is not a complete safetensors file");
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const { __metadata__: about = {}, ...tensors } = header;
  if (about.format !== "trm/1") throw new Error("this safetensors file is not a checkpoint of this program");
  const parameters = Object.values(tensors).reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1), 0);
  const base = about.base ? JSON.parse(about.base) : null;
  return { config: JSON.parse(about.config), step: Number(about.step), parameters, base };
}

/**
 * Minutes of training up to `step`, from the lines of `metrics.jsonl`: each has the
 * speed of the steps since the previous line. Null when there are none.
 */
export function minutesOf(metrics, { train, model }, step) {
  const length = model.block_size ?? model.seq_len ?? model.num_latents;
  const tokens = train.batch_size * length * (train.gradient_accumulation_steps ?? 1);
  let seconds = 0;
  let before = 0;
  for (const line of metrics.split("\n")) {
    if (line.trim() === "") continue;
    const { step: at, tokens_per_second: speed } = JSON.parse(line);
    if (!(speed > 0) || at > step) continue;
    seconds += ((at - before) * tokens) / speed;
    before = at;
  }
  return before > 0 ? seconds / 60 : null;
}

/** One entry of the manifest; throws when something is missing. A solver and an image classifier have `scores` too. */
export function entry({ name, title, description, command, hardware, minutes, bytes, sha256, about, losses, ...more }) {
  if (!NAME.test(name)) {
    throw new Error(`\`${name}\` cannot be a name: use lower-case letters, digits and hyphens`);
  }
  for (const [key, value] of Object.entries({ title, description, command, hardware })) {
    if (!value) throw new Error(`--${key} is missing`);
  }
  if (typeof minutes !== "number" || !(minutes >= 0))
    throw new Error("--minutes is missing, and the run's metrics do not tell");
  if (bytes > LARGEST) {
    const size = (bytes / 1e6).toFixed(2);
    throw new Error(`the file has ${size} MB, but the page ships at most ${LARGEST / 1e6} MB; train a smaller model`);
  }
  const { config, step, parameters, base } = about;
  const { model } = config;
  return {
    name,
    title,
    file: `${name}.safetensors`,
    bytes,
    sha256,
    description,
    variant: config.model.variant,
    dataset: config.data.dataset,
    parameters,
    config,
    command,
    seed: config.train.seed,
    hardware,
    minutes: Number(minutes.toPrecision(3)),
    step,
    losses: losses.map(({ depth, loss }) => ({ depth, loss: Number(loss.toFixed(4)) })),
    ...(more.scores ? { scores: rounded(more.scores) } : {}),
    ...(more.images ? { scores: { images: more.images.images, steps: more.images.steps.map(short) } } : {}),
    // A language model is not fetched from beside the manifest: the visitor opens it.
    ...(base && model.supervision_steps === undefined ? { base: base.name } : {}),
  };
}

/** The scores on held-out puzzles, rounded to four digits. */
function rounded({ puzzles, steps, halting }) {
  return { puzzles, steps: steps.map(short), halting: halting.map(short) };
}

/** A row of numbers, rounded to four digits. */
function short(row) {
  return Object.fromEntries(Object.entries(row).map(([key, n]) => [key, Number(n.toFixed(4))]));
}

/** The manifest with an added or replaced entry, sorted by name. The page opens with the first one ever added, unless `opens`. */
export function withEntry(manifest, added, opens = false) {
  const before = manifest ?? { default: added.name, checkpoints: [] };
  const others = before.checkpoints.filter((each) => each.name !== added.name);
  return {
    format: FORMAT,
    default: opens ? added.name : before.default,
    checkpoints: [...others, added].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
