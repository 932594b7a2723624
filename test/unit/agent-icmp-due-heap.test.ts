import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDueHeap, type Due } from '../../agent/adapters/icmp/due-heap.ts';

interface Entry extends Due {
  readonly name: number;
}

const entry = (name: number, dueAt: number): Entry => ({ name, dueAt, heapAt: -1 });

test('entries come in the order of their times, after any puts, moves and removals', () => {
  const step = fc.record({ name: fc.nat(20), dueAt: fc.nat(100), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = createDueHeap<Entry>();
      const inside = new Map<number, Entry>();
      for (const { name, dueAt, remove } of steps) {
        const known = inside.get(name) ?? entry(name, dueAt);
        if (remove) {
          heap.remove(known);
          inside.delete(name);
        } else {
          known.dueAt = dueAt;
          heap.put(known);
          inside.set(name, known);
        }
        expect(heap.size).toBe(inside.size);
      }
      const times: number[] = [];
      for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
        times.push(first.dueAt);
        heap.remove(first);
        expect(first.heapAt).toBe(-1);
      }
      expect(times).toEqual([...inside.values()].map((e) => e.dueAt).sort((a, b) => a - b));
    }),
  );
});

test('removing what is not inside changes nothing', () => {
  const heap = createDueHeap<Entry>();
  heap.put(entry(1, 5));
  heap.remove(entry(2, 1));
  expect(heap.size).toBe(1);
});
