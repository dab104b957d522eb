/** No usual spelling is longer. */
const LONGEST = 64;

/**
 * A UUID in its one spelling, lower case with hyphens (RFC 9562 section 4), from any usual one: with or without hyphens, in
 * braces, behind `urn:uuid:`. It takes what Python's `uuid.UUID` takes, save for blanks, signs and underscores among the
 * digits. null for everything else.
 */
export function parseUuid(text: unknown): string | null {
  if (typeof text !== 'string' || text.length > LONGEST) return null;
  const digits = text
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '');
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits.toLowerCase());
  return parts === null ? null : parts.slice(1).join('-');
}
