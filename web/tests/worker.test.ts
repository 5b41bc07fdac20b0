// The worker, without an engine.

import { afterEach, expect, test, vi } from 'vitest';

import type { Request } from '../src/worker/protocol';

afterEach(() => vi.unstubAllGlobals());

test('a worker that is connected anew closes the ports of before', async () => {
  let say: (event: { data: Request }) => void = () => undefined;
  const replied = vi.fn();
  vi.stubGlobal('self', {
    addEventListener: (type: string, listener: typeof say) => {
      if (type === 'message') say = listener;
    },
    postMessage: replied,
  });
  await import('../src/worker/worker');
  const connect = async (id: number) => {
    const { port1, port2 } = new MessageChannel();
    const close = vi.spyOn(port1, 'close');
    say({ data: { id, kind: 'connect', ports: [port1] } });
    await vi.waitFor(() => expect(replied).toHaveBeenCalledTimes(id));
    return { close, end: () => port2.close() };
  };
  const first = await connect(1);
  expect(first.close).not.toHaveBeenCalled();
  const second = await connect(2);
  expect([first.close.mock.calls.length, second.close.mock.calls.length]).toEqual([1, 0]);
  for (const { end } of [first, second]) end();
});
