import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Block, ByteQueue } from '../../src/api/bytes.ts';
import { MemoryBlock, View, bytesOf } from '../../src/buffer/bytes.ts';
import { BLOCK_BYTES, ChunkQueue, HEAP_BLOCKS } from '../../src/buffer/chunk-queue.ts';
import type { BlockSource } from '../../src/buffer/chunk-queue.ts';

function textOf(queue: ByteQueue): string {
  let text = '';
  for (let index = 0; index < queue.count; index += 1) {
    const { block, start, end } = queue.at(index);
    text += block.buffer.toString('latin1', start, end);
  }
  return text;
}

function turnView(text: string): View {
  return new View(new MemoryBlock(Buffer.from(text, 'latin1'), 'turn'), 0, text.length);
}

/** Counts what it lends, and scribbles over what comes back. */
class CountingBlocks implements BlockSource {
  out = 0;

  take(): Block {
    this.out += 1;
    return new MemoryBlock(Buffer.alloc(BLOCK_BYTES), 'owned');
  }

  give(block: Block): void {
    this.out -= 1;
    block.buffer.fill(0x58);
  }
}

describe('a chunk queue', () => {
  test('keeps its bytes when turn memory is overwritten after own()', () => {
    const queue = new ChunkQueue(HEAP_BLOCKS);
    const slab = new MemoryBlock(Buffer.from('headbody'), 'turn');
    queue.push(new View(slab, 0, 4));
    queue.push(new View(slab, 4, 8));
    assert.equal(queue.count, 1, 'adjacent views are joined');
    queue.own();
    slab.buffer.fill(0x58);
    assert.equal(textOf(queue), 'headbody');
  });

  test('copies what another queue owns, because that one may give its block back', () => {
    const blocks = new CountingBlocks();
    const first = new ChunkQueue(blocks);
    const second = new ChunkQueue(blocks);
    first.push(turnView('pipelined'));
    first.own();
    second.push(first.at(0));
    second.own();
    first.drain(9);
    assert.equal(textOf(second), 'pipelined');
    second.clear();
    assert.equal(blocks.out, 0);
  });

  test('fills owned blocks up instead of taking one for each small write', () => {
    const blocks = new CountingBlocks();
    const queue = new ChunkQueue(blocks);
    for (let index = 0; index < 10_000; index += 1) {
      queue.push(turnView('x'));
      queue.own();
    }
    assert.equal(blocks.out, 1);
    assert.equal(queue.count, 1);
    queue.drain(10_000);
    assert.equal(blocks.out, 0);
  });

  test('hands its blocks over with moveTo', () => {
    const blocks = new CountingBlocks();
    const from = new ChunkQueue(blocks);
    const to = new ChunkQueue(blocks);
    from.push(turnView('moved'));
    from.own();
    from.moveTo(to);
    assert.equal(from.length, 0);
    to.own();
    assert.equal(blocks.out, 1, 'not copied again');
    assert.equal(textOf(to), 'moved');
    to.drain(5);
    assert.equal(blocks.out, 0);
  });

  test('refuses to drain more than it holds', () => {
    const queue = new ChunkQueue(HEAP_BLOCKS);
    queue.push(bytesOf('abc'));
    assert.throws(() => queue.drain(4), /drain within the queue/);
  });

  test('behaves as a string does under any sequence of pushes, drains and owns', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), size: fc.integer({ min: 0, max: 40_000 }) }),
      fc.record({ kind: fc.constant('drain' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.constant({ kind: 'own' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const blocks = new CountingBlocks();
        const queue = new ChunkQueue(blocks);
        let model = '';
        let letter = 0;
        for (const action of steps) {
          if (action.kind === 'push') {
            const text = String.fromCharCode(97 + (letter++ % 26)).repeat(action.size);
            queue.push(turnView(text));
            model += text;
          } else if (action.kind === 'drain') {
            const size = Math.floor(model.length * action.part);
            queue.drain(size);
            model = model.slice(size);
          } else {
            queue.own();
          }
          assert.equal(queue.length, model.length);
        }
        assert.equal(textOf(queue), model);
        queue.clear();
        assert.equal(blocks.out, 0, 'every block came back');
      }),
      { numRuns: 200 },
    );
  });
});
