import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Failure, FailureKind } from '../src/gen';
import { type FromWorker, isFailure, isFromWorker } from '../src/worker/protocol';

const kinds: FailureKind[] = ['config', 'data', 'prompt', 'checkpoint', 'puzzle', 'image'];
const failure: fc.Arbitrary<Failure> = fc.record({
  kind: fc.constantFrom(...kinds),
  message: fc.string(),
  hint: fc.string(),
});

const id = fc.nat();

/** What a worker sends, but for the content of events, which Rust writes. */
const messages: fc.Arbitrary<FromWorker> = fc.oneof(
  fc.record({ kind: fc.constant('crashed' as const), message: fc.string() }),
  fc.record({ kind: fc.constant('loading' as const), received: fc.nat(), total: fc.nat() }),
  fc.record({ id, ok: fc.constant(true as const), kind: fc.constant('done' as const) }),
  fc.record({ id, ok: fc.constant(false as const), failure }),
  fc.record({
    id,
    ok: fc.constant(true as const),
    kind: fc.constant('event' as const),
    event: fc.constant({ type: 'closed' as const, stream: 0 }),
  }),
);

/** Values that a structured clone can carry, also such as have the fields of a message. */
const anything = fc.oneof(
  fc.anything({ withTypedArray: true, withDate: true, withMap: true, withNullPrototype: true }),
  fc.dictionary(
    fc.constantFrom('id', 'ok', 'kind', 'failure', 'event', 'device', 'message', 'received'),
    fc.oneof(fc.anything(), fc.constantFrom('crashed', 'loading', 'event', 'done', true, false, 7)),
  ),
);

describe('what arrives from a worker', () => {
  test('is a message if a worker wrote it, also after it crossed', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(isFromWorker(message)).toBe(true);
        expect(isFromWorker(structuredClone(message))).toBe(true);
      }),
    );
  });

  test('is told from everything else without an exception', () => {
    fc.assert(
      fc.property(anything, (value) => {
        if (!isFromWorker(value)) return;
        // Whoever takes it reads these.
        if ('id' in value) {
          expect(typeof value.id).toBe('number');
          if (!value.ok) expect(isFailure(value.failure)).toBe(true);
          else if (value.kind === 'event') expect(value.event).toBeInstanceOf(Object);
          else if (value.kind === 'opened') expect(value.device).toBeInstanceOf(Object);
          else expect(value.kind).toBe('done');
        } else if (value.kind === 'loading') {
          expect(typeof value.received).toBe('number');
          expect(typeof value.total).toBe('number');
        } else {
          expect(value.kind).toBe('crashed');
          expect(typeof value.message).toBe('string');
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('is no failure with a field that is missing or of another type', () => {
    fc.assert(
      fc.property(
        failure,
        fc.constantFrom('kind', 'message', 'hint'),
        fc.anything(),
        (whole, field, other) => {
          expect(isFailure(whole)).toBe(true);
          const part = Object.fromEntries(Object.entries(whole).filter(([key]) => key !== field));
          expect(isFailure(part)).toBe(false);
          if (typeof other !== 'string')
            expect(isFailure({ ...whole, [field]: other })).toBe(false);
        },
      ),
    );
    // Names that every object has are no kinds.
    expect(isFailure({ kind: 'toString', message: '', hint: '' })).toBe(false);
  });
});
