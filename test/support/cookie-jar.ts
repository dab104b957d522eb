import type { Answer } from './http-client.ts';

/** Cookies of one login, by name: enough for hosts that share them all. */
export interface CookieJar {
  /** Takes an answer's Set-Cookie lines in; one that has expired deletes. */
  take(answer: Answer): void;
  /** The Cookie header; empty where there is none. */
  header(): string;
  names(): string[];
}

export function createCookieJar(): CookieJar {
  const cookies = new Map<string, string>();
  return {
    take(answer) {
      for (const line of answer.headers['set-cookie'] ?? []) {
        const [pair = '', ...attributes] = line.split(';');
        const split = pair.indexOf('=');
        const name = pair.slice(0, split).trim();
        const gone = attributes.some((attribute) =>
          /^\s*(?:max-age=(?:0|-\d+)|expires=thu, 01 jan 1970.*)$/i.test(attribute),
        );
        if (gone) cookies.delete(name);
        else cookies.set(name, pair.slice(split + 1).trim());
      }
    },
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    names: () => [...cookies.keys()],
  };
}
