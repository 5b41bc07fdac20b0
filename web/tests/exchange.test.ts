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

function three(): [Exchange, Exchange, Exchange] {
  const [a, b, c] = connected(3);
  if (!a || !b || !c) throw new Error('three were made');
  return [a, b, c];
}

test('every worker gets what all others have for it, round after round', async () => {
  const exchanges = connected(3);
  for (let round = 0; round < 3; round += 1) {
    const others = (i: number) => [0, 1, 2].filter((rank) => rank !== i);
    const own = (i: number) => others(i).map((to) => new Float32Array([round, i, to]));
    const got = await Promise.all(exchanges.map((exchange, i) => exchange.swap(own(i))));
    got.forEach((arrays, i) => {
      const wanted = others(i).map((from) => new Float32Array([round, from, i]));
      expect(arrays).toEqual(wanted);
    });
  }
});

test('a worker that is a round ahead is not mixed up with the others', async () => {
  const [a, b, c] = three();
  const of = (round: number) => [new Float32Array([round]), new Float32Array([round])];
  const ofA = a.swap(of(1));
  const ofB = b.swap(of(1));
  const ofC = c.swap(of(1));
  await Promise.all([ofA, ofB]);
  // These two are in the second round before the third has read the first.
  const again = [a.swap(of(2)), b.swap(of(2))];
  expect(await ofC).toEqual(of(1));
  expect(await c.swap(of(2))).toEqual(of(2));
  await Promise.all(again);
});

test('nobody waits for a worker that stopped', async () => {
  const [a] = connected(2);
  const waiting = a?.swap([new Float32Array(1)]);
  const failure = { kind: 'device', message: 'worker 2 stopped', hint: 'Go on.' } as const;
  a?.stop(failure);
  await expect(waiting).rejects.toMatchObject(failure);
  await expect(a?.swap([new Float32Array(1)])).rejects.toMatchObject(failure);
});
