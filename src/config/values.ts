import { z } from 'zod';
import { parseNetwork } from '../domain/network.ts';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const ZERO = /^0(?:ms|s|m|h|d|w)?$/;
const DURATION = /^(\d{1,9})(ms|s|m|h|d|w)$/;
/** Ten years: longer ones are a mistake, and timers and cookies stay far from their own limits. */
const LONGEST = 3_650 * 86_400_000;

/** `90s`, `10m`, `12h`, `30d` in milliseconds; null where the text is no duration or none that makes sense. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const milliseconds = Number(match[1]) * (UNITS[match[2]] ?? Number.NaN);
  return milliseconds > 0 && milliseconds <= LONGEST ? milliseconds : null;
}

/** A duration option: text in the file, milliseconds in the program. */
export function duration(example: string) {
  return durationText(example, parseDuration, DURATION.source);
}

/** The same where there may be none: `0`, as a number or as a text such as `0s`, which is what comes from the environment. */
export function durationOrZero(example: string) {
  const parse = (text: string) => (ZERO.test(text) ? 0 : parseDuration(text));
  return z.union([z.literal(0), durationText(example, parse, `${ZERO.source}|${DURATION.source}`)]);
}

function durationText(example: string, parse: (text: string) => number | null, pattern: string) {
  const message = `expected a duration such as ${example}: a number and ms, s, m, h, d or w`;
  return z
    .string({ error: ({ input }) => (typeof input === 'number' ? message : undefined) })
    .transform((text, context) => {
      const milliseconds = parse(text);
      if (milliseconds !== null) return milliseconds;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .meta({ pattern });
}

/** A secret: never shown in an error, a log or the documentation's examples. */
export function secretText() {
  return z.string().min(1).meta({ secret: true });
}

/** An absolute http or https URL without credentials, query or fragment. */
export function httpUrl() {
  return z.string().refine(
    (text) => {
      // URL would leave blanks around and line breaks inside away without a word; other readers of the same text would not.
      if (/[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) return false;
      const url = new URL(text);
      return (
        /^https?:$/.test(url.protocol) &&
        url.username === '' &&
        url.password === '' &&
        url.search === '' &&
        url.hash === ''
      );
    },
    { message: 'expected an absolute http:// or https:// URL without credentials, query or fragment' },
  );
}

/** Where Loki is: like the above, but credentials may stand in it, so it is a secret. */
export function lokiUrl() {
  return z
    .string()
    .refine(isLokiUrl, { message: 'expected an absolute http:// or https:// URL without query or fragment' })
    .meta({ secret: true });
}

function isLokiUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return /^https?:$/.test(protocol) && search === '' && hash === '';
}

/** Zod's own pattern, and hosts without a dot besides: on a network at home `me@nas` is an address (RFC 5321 section 2.3.5). */
export const emailAddress = z.email({
  pattern:
    /^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)*[A-Za-z0-9][A-Za-z0-9-]*$/,
});

export const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, { message: 'expected an IP address or a network such as 10.0.0.0/8' });

export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected a header name of letters, digits and hyphens');
