import { defineConfig } from 'vitest/config';

/**
 * Projects by speed and need: the first four are pure and quick, e2e and lab start real programs. A
 * story of hours takes a second or two, five times that on a machine that is busy with others.
 */
const quick = ['unit', 'contract', 'scenario', 'architecture'].map((name) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 20_000 },
}));

/** Real processes on loopback: one file at a time, so that timings mean something. */
const e2e = {
  test: {
    name: 'e2e',
    include: ['test/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
};

/** In network namespaces of their own: labs share no port, and mostly wait. Not beside others. */
const lab = {
  test: {
    name: 'lab',
    include: ['test/lab/**/*.test.ts'],
    maxWorkers: 2,
    sequence: { groupOrder: 1 },
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
};

export default defineConfig({ test: { projects: [...quick, e2e, lab] } });
