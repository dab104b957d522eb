import { ask } from './http-client.ts';

/** One reading of a Prometheus text: the value of a series as it is written there, labels included; 0 where there is none. */
export interface Scraped {
  (series: string): number;
  readonly text: string;
}

/** Reads metrics. @throws where they are not answered with 200 */
export async function scrape(url: string): Promise<Scraped> {
  const answer = await ask(url);
  const text = answer.body.toString();
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
  const values = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
  return Object.assign((series: string) => values.get(series) ?? 0, { text });
}
