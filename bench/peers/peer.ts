/** Another program that answers checks, with a configuration beside this file, and a session of it. */
export interface Peer {
  /** The program's, and what its files here begin with. */
  readonly name: string;
  /** Copied to where it runs: its configuration and what that names. */
  readonly files: readonly string[];
  readonly args: readonly string[];
  /** Its address in its configuration: host and port as they stand there, and the file they stand in. */
  readonly address: { readonly file: string; readonly text: (port: number) => string; readonly port: number };
  /** Answered with 200 as soon as it is ready. */
  readonly ready: string;
  /** Where it takes checks, and what it answers a good one with. */
  readonly check: { readonly path: string; readonly status: number };
  /** Its session's cookie, `name=value`, from the program on this port. */
  logIn(port: number): Promise<string>;
}

/**
 * The cookie that an answer to a login sets.
 * @throws where it sets none of that name
 */
export function cookieOf(answer: Response, name: string): string {
  const cookie = answer.headers.getSetCookie().find((line) => line.startsWith(`${name}=`));
  if (cookie === undefined) throw new Error(`a login answered ${answer.status} without the cookie ${name}`);
  return cookie.replace(/;.*$/, '');
}
