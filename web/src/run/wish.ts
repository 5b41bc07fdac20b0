// What an address says of the device to compute on.

import type { DeviceWish } from '../worker/protocol';
import { mistake } from './limits';
import { MOST_CORES } from './sharing';

/** What to compute on. */
export interface Wish {
  readonly device: DeviceWish;
  readonly software: boolean;
  /** Workers that train together on the CPU; `null`: as many as suit the machine. */
  readonly cores?: number | null;
}

export const WISH_KEYS = ['device', 'software', 'cores'];

const DEVICES: readonly DeviceWish[] = ['auto', 'cpu', 'gpu'];
const CORES = { least: 1, most: MOST_CORES, whole: true };

export function readWish(query: URLSearchParams, problems: string[] = []): Wish {
  const asked = query.get('device') ?? 'auto';
  const device = DEVICES.find((each) => each === asked);
  if (!device) problems.push(`“${asked}” is not a valid value for device.`);
  const cores = query.get('cores');
  const wrong = cores === null ? null : mistake(CORES, cores);
  if (wrong) problems.push(`cores: ${wrong}`);
  return {
    device: device ?? 'auto',
    software: query.get('software') === '1',
    cores: cores === null || wrong ? null : Number(cores),
  };
}

export function writeWish(query: URLSearchParams, { device, software, cores }: Wish): void {
  if (device !== 'auto') query.set('device', device);
  if (software) query.set('software', '1');
  if (cores) query.set('cores', String(cores));
}
