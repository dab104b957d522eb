import { expect, it } from 'vitest';
import { parseUuid } from '../../src/domain/uuid.ts';

const CANONICAL = 'abcdef01-2345-6789-abcd-ef0123456789';

it.each([
  CANONICAL,
  CANONICAL.toUpperCase(),
  CANONICAL.replaceAll('-', ''),
  `{${CANONICAL}}`,
  `{${CANONICAL.replaceAll('-', '').toUpperCase()}}`,
  `urn:uuid:${CANONICAL}`,
  `urn:uuid:${CANONICAL.toUpperCase()}`,
  `uuid:${CANONICAL}`,
  `{urn:uuid:${CANONICAL}}`,
  'abcdef0123456789-abcdef0123456789',
  '-a-b-cdef0123456789abcdef0123456789-',
])('%s is a UUID', (text) => {
  expect(parseUuid(text)).toBe(CANONICAL);
});

it('the nil UUID is one', () => {
  expect(parseUuid('00000000-0000-0000-0000-000000000000')).toBe('00000000-0000-0000-0000-000000000000');
});

it.each([
  '',
  'x',
  CANONICAL.slice(1),
  `${CANONICAL}0`,
  `${CANONICAL.slice(1)}g`,
  ` ${CANONICAL}`,
  `${CANONICAL}\n`,
  ` ${'0'.repeat(31)}`,
  `+${'0'.repeat(31)}`,
  `0x${'0'.repeat(30)}`,
  `0_${'0'.repeat(30)}`,
  `\u0660${'0'.repeat(31)}`,
  `\uff10${'0'.repeat(31)}`,
  `URN:UUID:${CANONICAL}`,
  '-'.repeat(1_000_000) + CANONICAL,
  null,
  undefined,
  0,
  true,
  [CANONICAL],
  { toString: () => CANONICAL },
])('%.60j is none', (text) => {
  expect(parseUuid(text)).toBeNull();
});
