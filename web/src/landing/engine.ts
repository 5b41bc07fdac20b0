// A worker with a model that comes with the page. The start page always computes on the
// CPU: its models are small, and that module is a sixth of the other.

import { type SessionClient, SessionError } from '../client/client';
import type { Family, RunSummary } from '../gen';
import { modulesOf } from '../rooms/table';
import { beside, download } from '../run/download';

export interface Opened {
  readonly client: SessionClient;
  readonly summary: RunSummary;
}

/** What the list of models says of a file. */
interface Listed {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

let list: Promise<readonly unknown[]> | null = null;

/** Opens a worker and loads a model. `progress`: the share of both that has come. */
export async function openModel(
  spawn: () => SessionClient,
  family: Family,
  name: string,
  progress: (share: number) => void,
): Promise<Opened> {
  const client = spawn();
  // The engine is most of what comes.
  let [engine, model] = [0, 0];
  const tell = () => progress(0.7 * engine + 0.3 * model);
  client.loading = (received, total) => {
    engine = total > 0 ? Math.min(1, received / total) : 0;
    tell();
  };
  try {
    const [modules, base] = [modulesOf(family), document.baseURI];
    const [checkpoint] = await Promise.all([
      fetchModel(name, (share) => {
        model = share;
        tell();
      }),
      client.open({ modules, device: 'cpu', software: false, base }),
    ]);
    const files = { checkpoint, optimizer: null, base: null };
    const { summary } = await client.ask({ type: 'load', ...files, data: null }, 'ready');
    return { client, summary };
  } catch (error) {
    client.terminate();
    throw error;
  }
}

async function fetchModel(name: string, progress: (share: number) => void): Promise<Uint8Array> {
  list ??= models();
  const entry = (await list).filter(isListed).find((each) => each.name === name);
  if (!entry) throw missing();
  const url = beside(document.baseURI, `${entry.file}?${entry.sha256.slice(0, 16)}`);
  return download(url, entry, (received) => progress(received / entry.bytes));
}

async function models(): Promise<readonly unknown[]> {
  const response = await fetch(beside(document.baseURI, 'manifest.json')).catch(() => null);
  const manifest: unknown = response?.ok ? await response.json().catch(() => null) : null;
  const found = typeof manifest === 'object' && manifest !== null && 'checkpoints' in manifest;
  const entries: unknown = found ? manifest.checkpoints : null;
  return Array.isArray(entries) ? entries.map((entry: unknown) => entry) : [];
}

function isListed(entry: unknown): entry is Listed {
  if (typeof entry !== 'object' || entry === null) return false;
  const known = new Map<string, unknown>(Object.entries(entry));
  const texts = ['name', 'file', 'sha256'].every((key) => typeof known.get(key) === 'string');
  return texts && typeof known.get('bytes') === 'number';
}

function missing(): SessionError {
  const message = 'This site comes without the model for it.';
  return new SessionError({ kind: 'checkpoint', message, hint: 'Train one on its page.' }, false);
}

/** What to say of a failure. */
export function reason(error: unknown): string {
  if (error instanceof SessionError) return `${error.failure.message} ${error.failure.hint}`;
  return error instanceof Error ? error.message : String(error);
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
