import { afterEach, expect, test } from 'vitest';

import { Exchange } from '../src/worker/exchange';

let ports: MessagePort[] = [];

afterEach(() => {
  for (const port of ports) port.close();
  ports = [];
});

/** Exchanges of so many workers, each connected with every other. */
function connected(size: number): Exchange[] {
  const ends: MessagePort[][] = Array.from({ length: size }, () => []);
  for (const [i, mine] of ends.entries()) {
    for (const theirs of ends.slice(i + 1)) {
      const { port1, port2 } = new MessageChannel();
      mine.push(port1);
      theirs.push(port2);
      ports.push(port1, port2);
    }
  }
  return ends.map((of) => new Exchange(of));
}

test('every worker gets the arrays of all others, round after round', async () => {
  const exchanges = connected(3);
  for (let round = 0; round < 3; round += 1) {
    const own = (i: number) => new Float32Array([round, i]);
    const got = await Promise.all(exchanges.map((exchange, i) => exchange.gather(own(i))));
    got.forEach((others, i) => {
      const from = others.map(([of, rank]) => [of, rank]);
      const wanted = [0, 1, 2].filter((rank) => rank !== i).map((rank) => [round, rank]);
      expect(from.sort()).toEqual(wanted);
    });
  }
});

test('a worker that is a round ahead is not mixed up with the others', async () => {
  const [a, b, c] = connected(3);
  const [first, second] = [new Float32Array([1]), new Float32Array([2])];
  const ofA = a?.gather(first.slice());
  const ofB = b?.gather(first.slice());
  const ofC = c?.gather(first.slice());
  await Promise.all([ofA, ofB]);
  // These two are in the second round before the third has read the first.
  const again = [a?.gather(second.slice()), b?.gather(second.slice())];
  expect(await ofC).toEqual([first, first]);
  expect(await c?.gather(second.slice())).toEqual([second, second]);
  await Promise.all(again);
});

test('nobody waits for a worker that stopped', async () => {
  const [a] = connected(2);
  const waiting = a?.gather(new Float32Array(1));
  const failure = { kind: 'device', message: 'worker 2 stopped', hint: 'Go on.' } as const;
  a?.stop(failure);
  await expect(waiting).rejects.toMatchObject(failure);
  await expect(a?.gather(new Float32Array(1))).rejects.toMatchObject(failure);
});
