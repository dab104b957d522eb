import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 90_000,
    // Two cores: more files at once only makes argon2 and the real front servers wait for each other.
    maxWorkers: 2,
    // What comes about a moment later takes longer where other programs have the processors.
    expect: { poll: { timeout: 15_000 } },
  },
});
