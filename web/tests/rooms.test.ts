import 'fake-indexeddb/auto';

import { expect, test, vi } from 'vitest';

import { forgetHanded, handedOver, handOver, takeOver } from '../src/run/handover';
import { variantOf } from '../src/run/checkpoint';

function checkpoint(metadata: object): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata }));
  const file = new Uint8Array(8 + header.length + 4);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

const about = (model: object) => ({ config: JSON.stringify({ model }) });

test('a checkpoint says what kind of model it holds', () => {
  expect(variantOf(checkpoint(about({ variant: 'trm' })))).toBe('trm');
  expect(variantOf(checkpoint(about({ variant: 'chat_trm' })))).toBe('chat_trm');
  // As files of before the models had their published names.
  expect(variantOf(checkpoint(about({ variant: 'dual' })))).toBe('trm');
  expect(variantOf(checkpoint(about({ variant: 'causal' })))).toBe('chat_trm');
});

test('what says nothing of itself is of no kind', () => {
  const whole = checkpoint(about({ variant: 'trm' }));
  const strange = [
    new Uint8Array(0),
    new Uint8Array(200),
    new Uint8Array(200).fill(255),
    whole.subarray(0, whole.length - 10),
    checkpoint({}),
    checkpoint({ config: 'no JSON' }),
    checkpoint({ config: 'null' }),
    checkpoint(about({ variant: 'vision' })),
    checkpoint(about({})),
  ];
  for (const file of strange) expect(variantOf(file)).toBeNull();
});

test('a file is handed over once', async () => {
  expect(await takeOver('empty')).toBeNull();
  expect(await handOver(new Uint8Array([1]), 'full')).toBe(true);
  expect(await handOver(new Uint8Array([1, 2, 3]), 'full')).toBe(true);
  expect(await takeOver('full')).toEqual(new Uint8Array([1, 2, 3]));
  expect(await takeOver('full')).toBeNull();
});

test('a file for which there is no room leaves none to be opened in its place', async () => {
  await handOver(new Uint8Array([1]), 'late');
  const full = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(full);
  expect(await handOver(new Uint8Array([2]), 'late')).toBe(false);
  expect(await handedOver('late')).toBeNull();
});

test('a file that was handed over stays until it is forgotten', async () => {
  await handOver(new Uint8Array([4]), 'twice');
  expect(await handedOver('twice')).toEqual(new Uint8Array([4]));
  expect(await handedOver('twice')).toEqual(new Uint8Array([4]));
  await forgetHanded('twice');
  expect(await handedOver('twice')).toBeNull();
});
