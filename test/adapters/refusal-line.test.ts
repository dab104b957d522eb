import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRefusalLines, type Refusal } from '../../src/adapters/refusal-line.ts';

const REFUSAL: Refusal = {
  effect: 'challenge',
  reason: 'no-credentials',
  rule: 9,
  address: '203.0.113.7',
  user: null,
  method: 'GET',
  host: 'app.example.com',
  path: '/orders/4711',
  requestId: null,
};

/** What a client chooses: quotes, backslashes, controls, halves of characters, lines of its own. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('"', '\\', '\n', '\u2028', '\ud800', '"}\n{"event":"login.succeeded"', 'é'),
);

describe('the line about a refusal', () => {
  it('is one JSON object in one line, whatever a client sent', () => {
    const line = createRefusalLines((text) => `hidden:${text}`);
    const text = fc.option(hostile);
    fc.assert(
      fc.property(
        fc.record({ address: text, user: text, method: text, host: text, path: text, requestId: text }),
        fc.nat(20),
        (given, rule) => {
          const written = line({ ...REFUSAL, ...given, rule });
          expect(written.endsWith('}\n')).toBe(true);
          expect(written.slice(0, -1)).not.toMatch(/[\n\r]/);
          const { time, ...fields } = JSON.parse(written) as Record<string, unknown>;
          expect(new Date(String(time)).toISOString()).toBe(time);
          const { method, host, path } = given;
          expect(fields).toEqual({
            ...{ level: 'info', event: 'decision.refused', audit: true },
            ...(given.requestId === null ? {} : { requestId: given.requestId }),
            ...(given.user === null ? {} : { user: `hidden:${given.user}` }),
            ...(given.address === null ? {} : { address: `hidden:${given.address}` }),
            ...{ effect: 'challenge', reason: 'no-credentials', rule },
            ...(method === null || host === null || path === null ? {} : { method, host, path }),
          });
        },
      ),
    );
  });

  it('keeps apart what it remembers: rules, reasons, methods and hosts, beyond what it remembers too', () => {
    const line = createRefusalLines((text) => text);
    const reasons = ['no-credentials', 'credentials-rejected'];
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 2_500; index += 1) {
        const given = {
          rule: index,
          reason: reasons[index % 2] ?? '',
          host: `host-${index}.example`,
          method: index % 3 === 0 ? 'POST' : 'GET',
        };
        expect(JSON.parse(line({ ...REFUSAL, ...given }))).toMatchObject(given);
      }
    }
  });
});
