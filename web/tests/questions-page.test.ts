import 'fake-indexeddb/auto';

import { readFileSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, depthOf, type Event, type RunSummary } from '../src/gen';
import { Asking, shown } from '../src/rooms/questions/asking.svelte';
import { BaseStore } from '../src/rooms/questions/base-store';
import { Base } from '../src/rooms/questions/base.svelte';
import { Chat, written } from '../src/rooms/questions/chat.svelte';
import { QuestionsPage } from '../src/rooms/questions/page.svelte';
import { LARGEST, USUAL } from '../src/rooms/questions/site-bases';
import { preset } from '../src/run/presets';
import type { Shipped } from '../src/run/manifest';
import { Folder } from './support/opfs';
import { Answering } from './support/session';

const CUPS = preset('cups-5');
if (!CUPS) throw new Error('the preset is missing');
const CONFIG = CUPS;

const SUMMARY: RunSummary = {
  config: CONFIG,
  vocab: { kind: 'byte' },
  family: 'questions',
  ...{ parameters: 10, step: 3, trainable: false, train_tokens: 0, val_tokens: 0 },
  ...{ chance_loss: 1, training_flops_per_token: 1, tokens_per_step: 1 },
};

/** Each answer has three tokens. */
const TOKENS = 3;

/** A session with a base and a question model, which writes “a b c”. */
class Session extends Answering {
  readonly asked: Command['type'][] = [];
  /** Commands that fail. */
  refuse: Command['type'] | null = null;
  /** Called at every token. */
  pulled: (stream: number) => void = () => undefined;
  #written = new Map<number, number>();

  override postMessage(message: { id: number; command: Command; kind?: string }): void {
    if (message.kind !== 'open') return super.postMessage(message);
    const device = { info: { backend: 'cpu', name: 'CPU' }, reason: '' };
    this.reply({ id: message.id, ok: true, kind: 'opened', device });
  }

  protected answer(command: Command): Event {
    this.asked.push(command.type);
    if (command.type === this.refuse) {
      const failure = { kind: 'prompt', message: 'it is too long', hint: 'Shorten it.' } as const;
      return { type: 'failed', failure };
    }
    switch (command.type) {
      case 'open_base': {
        const sizes = { parameters: 1, layers: 1, tokens: 9, context: 512, chats: true };
        return { type: 'base_open', base: { name: command.name, sha256: 'a', ...sizes } };
      }
      case 'measure_memory':
        return { type: 'memory', memory: { wasm: 1, device: null } };
      case 'load_on_base':
        return { type: 'ready', summary: SUMMARY };
      case 'ask': {
        this.#written.clear();
        const considered = { tokens: 5, think: 0.5, candidates: [], steps: [] };
        const streams = command.depths.map((_, place) => place);
        return { type: 'considered', step: 3, considered, streams };
      }
      case 'chat':
        this.#written.clear();
        return { type: 'generating', stream: 0 };
      case 'pull': {
        const { stream } = command;
        const n = this.#written.get(stream) ?? 0;
        this.#written.set(stream, n + 1);
        this.pulled(stream);
        const output = { text: ` ${'abc'[n]}`, tokens: [n], pieces: [], done: n + 1 === TOKENS };
        return { type: 'generated', stream, output };
      }
      case 'close':
        return { type: 'closed', stream: command.stream };
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

function checkpoint(about: object): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: about }));
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

const MODEL = checkpoint({ config: JSON.stringify(CONFIG) });
const gguf = (name = 'tiny.gguf') => new File(['GGUF and more'], name);

/** A question model that comes with the page. */
function shipped(title: string): Shipped {
  const made = { config: CONFIG, variant: 'llm_trm', dataset: 'cups', command: '', seed: 1 };
  const file = { file: `${title}.safetensors`, bytes: 1, sha256: '0', parameters: 10 };
  const rest = { hardware: '', minutes: 1, step: 3, losses: [], description: '' };
  return { name: title, title, ...made, ...file, ...rest };
}

let session: Session;
let client: SessionClient;

beforeEach(() => {
  session = new Session();
  client = new SessionClient(session);
});

describe('a question', () => {
  const asking = () => {
    const made = new Asking();
    made.begin(SUMMARY);
    return made;
  };

  test('whose answers are stopped says of which that is so', async () => {
    const made = asking();
    session.pulled = (stream) => {
      expect(made.writing).toBe(true);
      if (stream === 1) made.stop();
    };
    const asked = made.ask(client, 'Which cup?');
    expect(made.told).toBe('Writing …');
    await asked;
    // The answers are read out once they are there, and not every token.
    expect(made.told).toContain('without recursion: a b c; after 1 step: a (stopped); after');
    expect(made.answers.map(({ state }) => state)).toEqual([
      ...['ended', 'stopped', 'stopped', 'stopped'],
    ]);
    expect(made.answers.map(shown)).toEqual(['a b c', 'a (stopped)', '(stopped)', '(stopped)']);
    expect([made.busy, made.writing]).toEqual([false, false]);
    // The streams that are left are closed.
    expect(session.asked.filter((type) => type === 'close')).toHaveLength(3);
  });

  test('that fails in the middle leaves no answer that seems to be written', async () => {
    const made = asking();
    session.pulled = () => (session.refuse = 'pull');
    await expect(made.ask(client, 'Which cup?')).rejects.toThrow('too long');
    expect(made.answers.map(shown)[0]).toBe('a (stopped)');
    expect(made.writing).toBe(false);
  });

  test('keeps its depths and its words until the next one is answered', async () => {
    const made = asking();
    await made.ask(client, 'First?');
    const trained = depthOf(CONFIG.model);
    made.choose(trained, false);
    expect(made.answers.map(({ depth }) => depth)).toContain(trained);
    const second = made.ask(client, 'Second?');
    expect([made.busy, made.writing, made.asked]).toEqual([true, false, 'First?']);
    await second;
    expect(made.asked).toBe('Second?');
    expect(made.answers.map(({ depth }) => depth)).not.toContain(trained);
  });

  test('shows an answer without tokens as one', () => {
    const answer = { depth: 1, text: '' } as const;
    expect(shown({ ...answer, state: 'writing' })).toBe('…');
    expect(shown({ ...answer, state: 'ended' })).toBe('(ends at once)');
  });
});

describe('a message', () => {
  test('leaves the field, and comes back where it is refused', async () => {
    const chat = new Chat();
    chat.draft = 'Hello';
    await chat.send(client, 'Hello');
    expect([chat.draft, chat.messages.at(-1)?.text]).toEqual(['', 'a b c']);
    session.refuse = 'chat';
    await expect(chat.send(client, 'very long')).rejects.toThrow('too long');
    expect([chat.draft, chat.messages.length]).toEqual(['very long', 2]);
    // What was typed meanwhile stays.
    const refused = chat.send(client, 'very long');
    chat.draft = 'shorter';
    await expect(refused).rejects.toThrow('too long');
    expect(chat.draft).toBe('shorter');
    expect(chat.told).toBe('');
  });

  test('whose answer is stopped says so, and the model is not told', async () => {
    const chat = new Chat();
    session.pulled = () => chat.stop();
    const sent = chat.send(client, 'Hello');
    expect(chat.told).toBe('Writing …');
    await sent;
    const answer = { role: 'assistant', text: 'a', stopped: true } as const;
    expect(chat.messages.at(-1)).toEqual(answer);
    expect([written(answer), chat.told]).toEqual(['a (stopped)', 'a (stopped)']);
    const ask = vi.spyOn(client, 'ask');
    await chat.send(client, 'Again');
    expect(ask.mock.calls[0]?.[0]).toMatchObject({
      options: {
        messages: [{ text: 'Hello' }, { role: 'assistant', text: 'a' }, { text: 'Again' }],
      },
    });
    expect(JSON.stringify(ask.mock.calls[0])).not.toContain('stopped');
  });

  test('that is stopped while it is read comes back to the field', async () => {
    const chat = new Chat();
    const sent = chat.send(client, 'Hello');
    chat.stop();
    await sent;
    expect([chat.messages, chat.draft, chat.told]).toEqual([[], 'Hello', '']);
  });
});

describe('the page', () => {
  let page: QuestionsPage;
  let folder: Folder;

  beforeEach(async () => {
    vi.stubGlobal('document', { baseURI: 'http://localhost/' });
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { status: 404 })));
    vi.spyOn(console, 'info').mockReturnValue();
    folder = new Folder();
    const store = new BaseStore(() => Promise.resolve(folder.handle));
    page = new QuestionsPage(() => client, { device: 'auto', software: false }, new Base(store));
    await page.live(false);
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  const open = async () => {
    await page.take(gguf());
    await page.take(new File([MODEL], 'cups.safetensors'));
    expect(page.model?.title).toBe('cups');
  };

  test('refuses a file that is no model of this program', async () => {
    for (const [name, bytes] of [
      ['other.safetensors', checkpoint({})],
      ['broken.safetensors', new Uint8Array(3)],
    ] as const) {
      await page.take(new File([bytes], name));
      expect(page.notice).toMatchObject({ tone: 'bad' });
      expect(page.notice?.message).toContain(`“${name}” is not a checkpoint`);
      expect(page.awaited).toBeNull();
    }
  });

  test.each(['tiny.gguf', 'cups.safetensors'])('says that %s cannot be read', async (name) => {
    await open();
    const file = new File(['GGUF and more'], name);
    const unreadable = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
    vi.spyOn(file, 'arrayBuffer').mockImplementation(unreadable);
    if (name.endsWith('.safetensors')) {
      vi.spyOn(file, 'slice').mockReturnValue(new Blob(['none']));
    }
    await page.take(file);
    expect(page.notice?.message).toBe(`The browser cannot read the file “${name}”.`);
    expect([page.model?.title, page.idle]).toEqual(['cups', true]);
  });

  test('keeps a base that the browser cannot read now', async () => {
    await page.take(gguf());
    const kept = page.base.kept;
    expect(kept).not.toBeNull();
    folder.broken = new DOMException('locked', 'NotReadableError');
    await page.openBase();
    expect(page.notice).toEqual({
      tone: 'bad',
      message: 'The kept base model could not be read.',
      hint: 'It is still kept: close other tabs and try again.',
    });
    expect(page.base.kept).toBe(kept);
    folder.broken = null;
    expect(folder.used()).toBeGreaterThan(0);
    page.base.lost();
    await page.openBase();
    expect(page.base.open?.name).toBe('tiny.gguf');
  });

  test('gets a base again of which a part is missing', async () => {
    await page.take(gguf());
    folder.broken = new DOMException('gone', 'NotFoundError');
    await page.openBase();
    expect(page.notice?.message).toBe('A part of the kept base model is missing.');
    expect(page.base.kept).toBeNull();
  });

  test('tells a failure that nobody expected', async () => {
    vi.spyOn(page.base, 'take').mockRejectedValue(new RangeError('no memory'));
    await page.take(gguf());
    expect(page.notice).toEqual({
      tone: 'bad',
      message: 'Something went wrong: no memory.',
      hint: 'Reload the page.',
    });
    expect(page.idle).toBe(true);
  });

  test('tells once that a file from another page did not arrive', async () => {
    const replaced = vi.fn();
    vi.stubGlobal('history', { replaceState: replaced });
    vi.stubGlobal('location', { pathname: '/questions.html', hash: '#chat' });
    await page.live(true);
    expect(page.notice).toEqual({
      tone: 'bad',
      message: 'The file from the other page did not arrive.',
      hint: 'Drop it here again.',
    });
    // A reload does not ask for it again.
    expect(replaced).toHaveBeenCalledWith(null, '', '/questions.html#chat');
  });

  test('keeps its model when a base is too large, and not when another one opens', async () => {
    await open();
    const large = gguf('large.gguf');
    vi.spyOn(large, 'size', 'get').mockReturnValue(LARGEST + 1);
    await page.take(large);
    expect(page.notice?.message).toContain('and a tab has room for');
    expect(page.model?.title).toBe('cups');
    // A checkpoint is not read whole to find that out.
    const checkpoint = new File([MODEL], 'huge.safetensors');
    vi.spyOn(checkpoint, 'size', 'get').mockReturnValue(LARGEST + 1);
    const read = vi.spyOn(checkpoint, 'arrayBuffer');
    await page.take(checkpoint);
    expect(page.notice?.message).toContain('“huge.safetensors” has 300.0 MB');
    expect(read).not.toHaveBeenCalled();
    await page.take(gguf('other.gguf'));
    expect([page.model, page.base.open?.name]).toEqual([null, 'other.gguf']);
  });

  test('has no model left when another base was refused', async () => {
    await open();
    session.refuse = 'open_base';
    await page.take(gguf('damaged.gguf'));
    expect([page.model, page.base.open]).toEqual([null, null]);
  });

  test('opens the model that the address names, and says where there is none', async () => {
    page.gallery.shown = [shipped('cups')];
    vi.spyOn(page.gallery, 'bring').mockResolvedValue(MODEL);
    await page.live(false, 'cups');
    expect([page.awaited, page.notice?.tone]).toEqual(['cups', 'note']);
    // This site has no base: the file is named, as the script fetches it.
    expect(page.notice?.hint).toContain('does not offer base models');
    expect(page.notice?.hint).toContain(USUAL.file);
    const script = readFileSync(`${import.meta.dirname}/../../scripts/datasets.mjs`, 'utf8');
    expect(script).toContain(`"${USUAL.file}"`);
    await page.live(false, 'other');
    expect(page.notice?.message).toBe('This page has no model “other”.');
  });

  test('opens the model that the address names once the base is open that was begun before', async () => {
    page.gallery.shown = [shipped('cups')];
    vi.spyOn(page.gallery, 'bring').mockResolvedValue(MODEL);
    const file = gguf();
    let read: (bytes: ArrayBuffer) => void = () => undefined;
    vi.spyOn(file, 'arrayBuffer').mockReturnValue(new Promise((resolve) => (read = resolve)));
    const taking = page.take(file);
    await vi.waitFor(() => expect(page.base.busy).not.toBeNull());
    await page.live(false, 'cups');
    expect(page.notice).toBeNull();
    read(new ArrayBuffer(4));
    await taking;
    expect([page.model?.title, page.base.open?.name]).toEqual(['cups', 'tiny.gguf']);
  });

  test('is busy while a model is fetched, so that nothing else is begun', async () => {
    await open();
    const [first, second] = [shipped('first'), shipped('second')];
    let come: (bytes: Uint8Array) => void = () => undefined;
    vi.spyOn(page.gallery, 'bring').mockReturnValue(new Promise((resolve) => (come = resolve)));
    const opening = page.open(first);
    expect([page.loading, page.idle]).toEqual([true, false]);
    await page.open(second);
    expect(page.notice?.message).toBe('The page is busy.');
    come(MODEL);
    await opening;
    expect([page.model?.title, page.loading, page.idle]).toEqual(['first', false, true]);
  });
});
