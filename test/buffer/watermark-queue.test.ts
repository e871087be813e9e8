import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { bytesOf } from '../../src/buffer/bytes.ts';
import { HEAP_BLOCKS } from '../../src/buffer/chunk-queue.ts';
import { WatermarkQueue } from '../../src/buffer/watermark-queue.ts';

function recorded(limit: number): { queue: WatermarkQueue; edges: string[] } {
  const edges: string[] = [];
  const queue = new WatermarkQueue(HEAP_BLOCKS, {
    onHigh: () => edges.push('high'),
    onLow: () => edges.push('low'),
  });
  queue.setLimit(limit);
  return { queue, edges };
}

describe('a watermark queue', () => {
  test('fires high only above the mark and low only at half of it, once each', () => {
    const { queue, edges } = recorded(100);
    queue.push(bytesOf(Buffer.alloc(100)));
    assert.deepEqual(edges, []);
    queue.push(bytesOf(Buffer.alloc(1)));
    queue.push(bytesOf(Buffer.alloc(50)));
    assert.deepEqual(edges, ['high']);
    queue.drain(100);
    assert.deepEqual(edges, ['high'], '51 bytes are above the low mark');
    queue.drain(1);
    assert.deepEqual(edges, ['high', 'low']);
    queue.drain(50);
    assert.deepEqual(edges, ['high', 'low']);
  });

  test('with limit 0 never fires', () => {
    const { queue, edges } = recorded(0);
    queue.push(bytesOf(Buffer.alloc(10_000_000)));
    queue.drain(10_000_000);
    assert.deepEqual(edges, []);
  });

  test('a limit lowered under what is queued fires at once, a raised one lets go', () => {
    const { queue, edges } = recorded(1000);
    queue.push(bytesOf(Buffer.alloc(500)));
    queue.setLimit(100);
    assert.deepEqual(edges, ['high']);
    queue.setLimit(2000);
    assert.deepEqual(edges, ['high', 'low']);
  });

  test('edges alternate, whatever is pushed and drained', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -400, max: 400 }), { maxLength: 200 }), (steps) => {
        const { queue, edges } = recorded(300);
        for (const step of steps) {
          if (step >= 0) queue.push(bytesOf(Buffer.alloc(step)));
          else queue.drain(Math.min(queue.length, -step));
        }
        edges.forEach((edge, index) => assert.equal(edge, index % 2 === 0 ? 'high' : 'low'));
        assert.equal(queue.above, edges.length % 2 === 1);
      }),
    );
  });
});
