import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { mapRegion } from '../../src/os/memory.ts';
import { probeSyscalls } from '../../src/os/probe.ts';

const missing = probeSyscalls();
const skip = missing === null ? false : `no system-call interface: ${missing}`;

describe('memory handed to C', { skip }, () => {
  test('holds its bytes while the garbage collector runs between and during the calls', async () => {
    const child = new URL('memory-child.ts', import.meta.url).pathname;
    const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--stress-compaction'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, child]);
    assert.match(stdout, /bytes held/);
  });

  test('lies below 2 GiB, so that an address is a small integer', () => {
    for (let count = 0; count < 64; count += 1) {
      const region = mapRegion(1024 * 1024);
      assert.ok(region !== null && region.address > 0 && region.address + 1024 * 1024 < 2 ** 31);
    }
  });
});
