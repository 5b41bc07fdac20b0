// What the page and its worker say to each other. The page numbers its requests;
// every request is answered by exactly one reply with the same number. The one
// message without a number says that the worker can no longer be used.

import type { Command, DeviceInfo, Event, Failure, FailureKind } from '../gen';
import type { Modules } from '../rooms/table';

/** Which device the person asked for. */
export type DeviceWish = 'auto' | 'cpu' | 'gpu';

export interface OpenOptions {
  readonly modules: Modules;
  readonly device: DeviceWish;
  /** Whether a software adapter (SwiftShader, llvmpipe) may be used. */
  readonly software: boolean;
  /** Address of the page; the wasm modules lie beside it. */
  readonly base: string;
}

/** The device that was opened, and why this one. */
export interface OpenedDevice {
  readonly info: DeviceInfo;
  readonly reason: string;
}

export type Request =
  | ({ readonly id: number; readonly kind: 'open' } & OpenOptions)
  | { readonly id: number; readonly kind: 'command'; readonly command: Command }
  /** Connects the worker with the others of a group: one port to each of them. */
  | { readonly id: number; readonly kind: 'connect'; readonly ports: readonly MessagePort[] }
  /** Another worker of the group stopped. Answered at once, also during a command. */
  | { readonly id: number; readonly kind: 'disconnect'; readonly failure: Failure };

export type Reply =
  | {
      readonly id: number;
      readonly ok: true;
      readonly kind: 'opened';
      readonly device: OpenedDevice;
    }
  | { readonly id: number; readonly ok: true; readonly kind: 'event'; readonly event: Event }
  | { readonly id: number; readonly ok: true; readonly kind: 'done' }
  | { readonly id: number; readonly ok: false; readonly failure: Failure };

export interface Crash {
  readonly kind: 'crashed';
  readonly message: string;
}

/** How much of the engine has come. Without a number too: nobody waits for it. */
export interface Loading {
  readonly kind: 'loading';
  readonly received: number;
  /** Bytes in all; 0 where that is not known. */
  readonly total: number;
}

export type FromWorker = Reply | Crash | Loading;

const KINDS: Record<FailureKind, true> = {
  config: true,
  data: true,
  prompt: true,
  checkpoint: true,
  puzzle: true,
  image: true,
  base: true,
  family: true,
  device: true,
  diverged: true,
  protocol: true,
};

function isKind(value: unknown): value is FailureKind {
  return typeof value === 'string' && Object.hasOwn(KINDS, value);
}

export function isFailure(value: unknown): value is Failure {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    isKind(value.kind) &&
    'message' in value &&
    typeof value.message === 'string' &&
    'hint' in value &&
    typeof value.hint === 'string'
  );
}

function has(value: object, field: string, content: unknown): boolean {
  return Reflect.get(value, field) === content;
}

function isCount(value: object, field: string): boolean {
  return typeof Reflect.get(value, field) === 'number';
}

function holdsObject(value: object, field: string): boolean {
  const content: unknown = Reflect.get(value, field);
  return typeof content === 'object' && content !== null;
}

/** Whether something that arrived is one of our messages. */
export function isFromWorker(value: unknown): value is FromWorker {
  if (typeof value !== 'object' || value === null) return false;
  if (!('id' in value)) {
    if (has(value, 'kind', 'crashed'))
      return 'message' in value && typeof value.message === 'string';
    return has(value, 'kind', 'loading') && isCount(value, 'received') && isCount(value, 'total');
  }
  if (!isCount(value, 'id')) return false;
  if (has(value, 'ok', false)) return 'failure' in value && isFailure(value.failure);
  if (!has(value, 'ok', true)) return false;
  if (has(value, 'kind', 'opened')) return holdsObject(value, 'device');
  return has(value, 'kind', 'done') || (has(value, 'kind', 'event') && holdsObject(value, 'event'));
}
