import { defineConfig } from 'vitest/config';

/** Projects by speed and need: the first four are pure and quick, e2e and lab start real programs. */
const quick = ['unit', 'contract', 'scenario', 'architecture'].map((name) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`] },
}));

/** Real processes on loopback or in network namespaces: one file at a time, so that timings mean something. */
const real = ['e2e', 'lab'].map((name) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
}));

export default defineConfig({ test: { projects: [...quick, ...real] } });
