// A question to a recursive model.

import type { SessionClient } from '../../client/client';
import type { Considered, RunSummary } from '../../gen';
import { depthOf } from '../../gen';
import { many } from '../../run/format';
import { readStream } from './stream';

/** Supervision steps beyond those of training that can be asked for. */
const BEYOND = 4;
/** First tokens of the answer that are listed of each step. */
const TOP = 3;
/** Most tokens of an answer. */
const LONGEST = 48;
/** Answers side by side. */
export const MOST_DEPTHS = 4;

/** An answer at one depth. */
export interface Written {
  readonly depth: number;
  readonly text: string;
  readonly state: 'writing' | 'ended' | 'stopped';
}

/** An answer as it is shown. */
export function shown({ text, state }: Written): string {
  if (state === 'stopped') return `${text} (stopped)`.trimStart();
  return text || (state === 'ended' ? '(ends at once)' : '…');
}

/** When an answer was read. */
export function after(depth: number): string {
  return depth === 0 ? 'without recursion' : `after ${many(depth, 'step')}`;
}

export class Asking {
  /** Depths whose answers are written. */
  depths = $state.raw<readonly number[]>([]);
  considered = $state.raw<Considered | null>(null);
  /** The question that `considered` and `answers` belong to. */
  asked = $state('');
  answers = $state.raw<readonly Written[]>([]);
  busy = $state(false);
  /** What is read out: that it writes, then the answers as a whole. */
  told = $state('');

  #stopped = false;

  /** Whether the answers are being written; the supervision steps come before that. */
  get writing(): boolean {
    return this.answers.some(({ state }) => state === 'writing');
  }

  /** Depths of a model that can be chosen: 0 to some more than it was trained with. */
  choices(summary: RunSummary): number[] {
    const most = depthOf(summary.config.model) + BEYOND;
    return Array.from({ length: most + 1 }, (_, depth) => depth);
  }

  /** A model was loaded: without its recursion, after one step, as it was trained, and beyond. */
  begin(summary: RunSummary): void {
    const trained = depthOf(summary.config.model);
    this.depths = [0, 1, trained, trained + BEYOND].filter(
      (depth, i, all) => all.indexOf(depth) === i,
    );
    this.clear();
  }

  clear(): void {
    [this.considered, this.answers, this.asked, this.told] = [null, [], '', ''];
  }

  choose(depth: number, wanted: boolean): void {
    const others = this.depths.filter((each) => each !== depth);
    if (wanted ? others.length >= MOST_DEPTHS : others.length === 0) return;
    this.depths = wanted ? [...others, depth].sort((a, b) => a - b) : others;
  }

  /** Thinks, then writes the answers one after the other. */
  async ask(client: SessionClient, question: string): Promise<void> {
    const depths = [...this.depths];
    [this.busy, this.#stopped, this.told] = [true, false, 'Writing …'];
    let begun = false;
    try {
      const { considered, streams } = await client.ask(
        { type: 'ask', question, depths, top: TOP, max_new_tokens: LONGEST },
        'considered',
      );
      [this.considered, this.asked] = [considered, question];
      this.answers = depths.map((depth) => ({ depth, text: '', state: 'writing' }));
      begun = true;
      for (const [place, stream] of streams.entries()) {
        const stopped = () => this.#stopped;
        const add = (text: string) => this.#add(place, text);
        if (await readStream(client, stream, { stopped, add })) this.#end('ended', place);
      }
    } finally {
      // By the visitor, or by a failure.
      this.#end('stopped');
      this.busy = false;
      const answers = begun ? this.answers : [];
      this.told = answers.map((answer) => `${after(answer.depth)}: ${shown(answer)}`).join('; ');
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #add(place: number, text: string): void {
    this.answers = this.answers.map((answer, i) =>
      i === place ? { ...answer, text: (answer.text + text).trimStart() } : answer,
    );
  }

  /** The answer at `place` ends, or all that are still written. */
  #end(state: 'ended' | 'stopped', place?: number): void {
    this.answers = this.answers.map((answer, i) =>
      answer.state === 'writing' && i === (place ?? i) ? { ...answer, state } : answer,
    );
  }
}
