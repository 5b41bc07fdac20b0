// Workers that train together, for tests: they count steps, wait for each other, and die
// when a test says so.

import { SessionClient, type WorkerPort } from '../../src/client/client';
import {
  type Command,
  DEFAULT_CONFIG,
  type Event,
  type RunConfig,
  type RunSummary,
  tokensPerStep,
} from '../../src/gen';
import type { Request } from '../../src/worker/protocol';

export function summaryOf(config: RunConfig, step = 0): RunSummary {
  return {
    config,
    vocab: { kind: 'char', chars: ' ehlst' },
    parameters: 10,
    step,
    trainable: true,
    train_tokens: 100,
    val_tokens: 10,
    chance_loss: Math.log(6),
    training_flops_per_token: 1e6,
    family: 'language',
    tokens_per_step: tokensPerStep(config),
  };
}

interface Pending {
  readonly worker: FakeWorker;
  readonly id: number;
  readonly n: number;
}

/** All workers of a test, and what they wait for. */
export class Workers {
  readonly all: FakeWorker[] = [];
  /** Steps that a group makes before the next worker that is to die does so. */
  stepsBefore = 0;
  waiting: Pending[] = [];
  /** The step of the last save. */
  saved = 0;
  /** Milliseconds that a copy of the run takes to load. */
  loading = 0;
  /** Why the next worker cannot be opened. */
  unopenable: string | null = null;

  /** A client of a new worker. */
  spawn(): SessionClient {
    const worker = new FakeWorker(this);
    this.all.push(worker);
    return new SessionClient(worker);
  }

  async open(): Promise<SessionClient> {
    const client = this.spawn();
    const opened = client.open({
      modules: { cpu: 'cpu', gpu: 'gpu' },
      device: 'cpu',
      software: false,
      base: 'about:blank',
    });
    await opened.catch((error: unknown) => {
      client.terminate();
      throw error;
    });
    return client;
  }

  get alive(): readonly FakeWorker[] {
    return this.all.filter((worker) => !worker.ended);
  }
}

export class FakeWorker implements WorkerPort {
  step = 0;
  /** As it last joined: `rank/size/parts`. */
  joined = '0/1/1';
  /** Dies at the next step. */
  dies = false;
  ended = false;
  config: RunConfig = DEFAULT_CONFIG;
  /** The types of all commands. */
  readonly commands: string[] = [];
  /** Ports to other workers. */
  ports = 0;

  readonly #workers: Workers;
  #listen: (event: { data: unknown }) => void = () => undefined;
  #crash: (event: { message?: string }) => void = () => undefined;

  constructor(workers: Workers) {
    this.#workers = workers;
  }

  addEventListener(
    type: string,
    listener: (event: { data: unknown; message?: string }) => void,
  ): void {
    if (type === 'message') this.#listen = listener;
    if (type === 'error') this.#crash = (event) => listener({ data: undefined, ...event });
  }

  terminate(): void {
    this.ended = true;
  }

  die(): void {
    this.#crash({ message: 'out of memory' });
  }

  postMessage(request: Request): void {
    const { id } = request;
    switch (request.kind) {
      case 'open': {
        const message = this.#workers.unopenable;
        const failure = { kind: 'device', message, hint: '' };
        const device = { info: { backend: 'cpu', name: 'CPU' }, reason: '' };
        if (message === null) this.#say({ id, ok: true, kind: 'opened', device });
        else this.#say({ id, ok: false, failure });
        break;
      }
      case 'connect':
        this.ports = request.ports.length;
        for (const port of request.ports) port.close();
        this.#say({ id, ok: true, kind: 'done' });
        break;
      case 'disconnect': {
        const mine = this.#workers.waiting.find(({ worker }) => worker === this);
        this.#workers.waiting = this.#workers.waiting.filter((each) => each !== mine);
        if (mine) this.#partly(mine.id, request.failure.message);
        this.#say({ id, ok: true, kind: 'done' });
        break;
      }
      case 'command':
        this.commands.push(request.command.type);
        if (request.command.type === 'step') this.#train(id, request.command.n);
        else if (request.command.type === 'load' && this.#workers.loading > 0) {
          const event = this.#obeyed(request.command);
          setTimeout(() => this.#answer(id, event), this.#workers.loading);
        } else this.#answer(id, this.#obeyed(request.command));
        break;
      default:
        request satisfies never;
    }
  }

  #obeyed(command: Command): Event {
    switch (command.type) {
      case 'save':
        this.#workers.saved = this.step;
        return {
          type: 'saved',
          saved: { checkpoint: new Uint8Array(), optimizer: new Uint8Array(), step: this.step },
        };
      case 'load':
        this.step = this.#workers.saved;
        break;
      case 'configure':
        this.config = command.config;
        break;
      case 'join':
        this.joined = `${command.rank}/${command.size}/${command.parts}`;
        break;
      default:
        throw new Error(`unexpected ${command.type}`);
    }
    return { type: 'ready', summary: summaryOf(this.config, this.step) };
  }

  #train(id: number, n: number): void {
    const size = Number(this.joined.split('/')[1]);
    if (this.dies) {
      queueMicrotask(() => this.die());
    } else if (size === 1) {
      this.#made(id, n);
    } else {
      const waiting = this.#workers.waiting.filter(({ worker }) => !worker.ended);
      waiting.push({ worker: this, id, n });
      this.#workers.waiting = waiting;
      if (waiting.length < size) return;
      for (const { worker, id, n } of waiting.splice(0)) worker.#made(id, n);
    }
  }

  /** Another worker stopped. */
  #partly(id: number, message: string): void {
    const { stepsBefore } = this.#workers;
    if (stepsBefore > 0) this.#made(id, stepsBefore);
    else this.#answer(id, { type: 'failed', failure: { kind: 'device', message, hint: '' } });
  }

  #made(id: number, n: number): void {
    const report = () => ({ step: ++this.step, loss: 1, learning_rate: 0.1, depth: 1 });
    this.#answer(id, { type: 'stepped', reports: Array.from({ length: n }, report) });
  }

  #answer(id: number, event: Event): void {
    this.#say({ id, ok: true, kind: 'event', event });
  }

  #say(data: object): void {
    queueMicrotask(() => {
      if (!this.ended) this.#listen({ data });
    });
  }
}
