import { readFile, rename, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { replaceText } from '../support/replace-text.ts';
import { missing } from '../support/skip.ts';
import { startLoad } from './load.ts';
import { startSite, visit } from './site.ts';
import { until } from './stage.ts';

const OPEN = '{path: /flip, authenticate: false}';
const DENIED = '{path: /flip, deny: true}';

describe.skipIf(missing('nginx'))('reloads under load, behind nginx', () => {
  it.each(['', 'workers: 2\n'])(
    'drop no request and decide none wrongly (%j)',
    async (more) => {
      const site = await startSite({ count: 1, more, rules: [OPEN] });
      const [instance] = site.instances;
      if (instance === undefined) throw new Error('a site has an instance');
      const agent = new Agent({ keepAlive: true });
      onTestFinished(() => agent.destroy());
      const asks: readonly [path: string, headers: Record<string, string>, answers: RegExp][] = [
        ['/api/x', { 'x-api-key': site.key }, /^200 alice$/],
        ['/api/x', {}, /^401$/],
        ['/api/x', { 'x-api-key': `${site.key.slice(0, -4)}AAAA` }, /^401$/],
        ['/admin/x', { 'x-api-key': site.key }, /^403$/],
        ['/health', {}, /^200$/],
        // Before or after, and nothing else.
        ['/flip', {}, /^(?:200|403)$/],
      ];
      const wrong: string[] = [];
      const load = startLoad(12, async (lane) => {
        const [path, headers, answers] = asks[lane % asks.length] ?? ['/', {}, /^$/];
        const got = await visit(site.app, path, headers, lane < asks.length && agent);
        if (!answers.test(got)) wrong.push(`${path}: ${got}`);
        return `${path} ${got}`;
      });

      const file = join(instance.directory, 'gatelodge.yaml');
      const write = async (from: string, to: string) => {
        await writeFile(`${file}.new`, replaceText(await readFile(file, 'utf8'), [[from, to]]), { mode: 0o600 });
        await rename(`${file}.new`, file);
      };
      const flip = () => visit(site.app, '/flip', {}, false);
      const said = (event: string) => instance.output().split(`"${event}"`).length - 1;
      const [each, before] = [more === '' ? 1 : 2, load.total];
      for (let times = 0; times < 3; times += 1) {
        await write(OPEN, DENIED);
        await instance.run('reload');
        // It holds when the command ends, and in every worker.
        expect(await Promise.all([flip(), flip(), flip(), flip()])).toEqual(Array(4).fill('403'));
        await write(DENIED, OPEN);
        const reloaded = said('configuration.reloaded');
        instance.signal('SIGHUP');
        await until(() => said('configuration.reloaded') === reloaded + each, 20_000);
        expect(await Promise.all([flip(), flip(), flip(), flip()])).toEqual(Array(4).fill('200'));
      }
      await write(OPEN, '{pfad: /flip}');
      instance.signal('SIGHUP');
      await until(() => said('configuration.refused') === 1, 20_000);
      expect(await flip()).toBe('200');

      const { counts, total, p99 } = await load.stop();
      console.log(JSON.stringify(more), counts, { total, p99 });
      expect(wrong).toEqual([]);
      expect(total).toBeGreaterThan(before + 500);
      expect([counts['/flip 200'], counts['/flip 403']].every((count) => (count ?? 0) > 5)).toBe(true);
      expect(
        (await site.nginxLog()).split('\n').filter((line) => / upstream/.test(line) && line.includes('[error]')),
      ).toEqual([]);
    },
    120_000,
  );
});
