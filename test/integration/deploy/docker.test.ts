import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../support/free-port.ts';
import { startGatelodge } from '../../support/gatelodge.ts';
import { replaceText } from '../../support/replace-text.ts';
import { missing } from '../../support/skip.ts';
import { tempDir } from '../../support/temp-dir.ts';

const FOLDER = 'deploy/docker';
const INSTALLED = '.front-servers';
const run = promisify(execFile);
const dockerfile = (): Promise<string> => readFile(join(FOLDER, 'Dockerfile'), 'utf8');

const service = z.looseObject({
  ports: z.array(z.string()).optional(),
  network_mode: z.string().optional(),
  volumes: z.array(z.string()).default([]),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
});
const composeFile = z.object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.unknown()) });

describe.each(['nginx', 'caddy', 'traefik'])('compose.%s.yaml', (server) => {
  const read = async (): Promise<z.output<typeof composeFile>> =>
    composeFile.parse(parse(await readFile(join(FOLDER, `compose.${server}.yaml`), 'utf8')));

  test('says that it was not run', async () => {
    expect(await readFile(join(FOLDER, `compose.${server}.yaml`), 'utf8')).toContain('NOT RUN');
  });

  test('only the front server can be reached, and the others share its network, where 127.0.0.1 is what the recipe means', async () => {
    const { services } = await read();
    expect(Object.keys(services).sort()).toEqual(['application', 'gatelodge', server].sort());
    expect(services[server]?.ports).toEqual(['80:80', '443:443']);
    for (const name of ['gatelodge', 'application']) {
      expect(services[name]?.ports).toBeUndefined();
      expect(services[name]?.network_mode).toBe(`service:${server}`);
    }
  });

  test('the front server and gatelodge get files of the tested recipe as they stand', async () => {
    const { services, volumes } = await read();
    const mounted = Object.values(services).flatMap((one) => one.volumes.map((volume) => volume.split(':')));
    for (const [source = '', target = '', mode] of mounted) {
      if (!source.startsWith('.')) {
        expect(Object.keys(volumes)).toContain(source);
        continue;
      }
      expect(mode).toBe('ro');
      expect(target.startsWith('/etc/')).toBe(true);
      if (source.startsWith('./certs/')) continue;
      expect(source.startsWith(`../${server}`)).toBe(true);
      await stat(join(FOLDER, source));
    }
    expect(services['gatelodge']?.volumes).toContain(`../${server}/minimal.yaml:/etc/gatelodge/gatelodge.yaml:ro`);
    // `data_dir: ./data` is relative to the configuration.
    expect(await readFile(`deploy/${server}/minimal.yaml`, 'utf8')).toMatch(/^data_dir: \.\/data$/m);
    expect(services['gatelodge']?.volumes).toContain('gatelodge:/etc/gatelodge/data');
  });

  test('every file that the recipe includes is where the recipe looks for it', async () => {
    const { services } = await read();
    const targets = (services[server]?.volumes ?? []).map((volume) => volume.split(':')[1] ?? '');
    const recipes = (await readdir(`deploy/${server}`)).filter(
      (file) => file.startsWith('minimal.') && file !== 'minimal.yaml',
    );
    expect(recipes).toHaveLength(1);
    const text = await readFile(`deploy/${server}/${recipes[0]}`, 'utf8');
    for (const [, certificate = ''] of text.matchAll(/(\/etc\/ssl\/\S+?\.(?:pem|key))/g))
      expect(targets).toContain(certificate);
    if (server === 'nginx') expect(targets).toContain('/etc/nginx/gatelodge');
    if (server === 'caddy') {
      for (const [, file = ''] of text.matchAll(/^import (\S+\/\S+)/gm))
        expect(targets).toContain(`/etc/caddy/${file}`);
    }
    if (server === 'traefik') {
      const directory = parse(await readFile('deploy/traefik/traefik.yaml', 'utf8')).providers.file.directory;
      for (const file of [recipes[0], 'gatelodge.dynamic.yaml']) expect(targets).toContain(`${directory}/${file}`);
    }
  });

  test.skipIf(missing('kubernetes-validate'))('agrees with the schema of compose files', async () => {
    const directory = await tempDir();
    try {
      // The schema is of 2021 and does not know the project's name.
      const { name, ...rest } = parse(await readFile(join(FOLDER, `compose.${server}.yaml`), 'utf8'));
      expect(name).toBe('gatelodge');
      const check = (value: unknown): Promise<unknown> => {
        const file = join(directory.path, 'compose.json');
        return writeFile(file, JSON.stringify(value)).then(() =>
          run(`${INSTALLED}/bin/python`, [
            '-W',
            'ignore',
            '-m',
            'jsonschema',
            '-i',
            file,
            `${INSTALLED}/programs/compose-spec.json`,
          ]),
        );
      };
      await check(rest);
      await expect(check({ ...rest, services: { ...rest.services, other: { imagee: 'x' } } })).rejects.toThrow();
    } finally {
      await directory.remove();
    }
  });
});

describe('Dockerfile', () => {
  test('runs as nobody in particular, without shell forms, and copies only what its ignore file lets in', async () => {
    const text = await dockerfile();
    expect(text).toContain('NOT RUN');
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(last).toMatch(/^USER \d+:\d+$/m);
    expect(last).toMatch(/^ENTRYPOINT \["gatelodge"\]$/m);
    expect(last).not.toMatch(/^COPY (?!--from=build)/m);
    const ignored = (await readFile(join(FOLDER, 'Dockerfile.dockerignore'), 'utf8')).split('\n');
    const { files } = JSON.parse(await readFile('package.json', 'utf8')) as { files: string[] }; // our own file
    const packed = files.filter((file) => !file.startsWith('!') && file !== 'dist');
    expect(ignored).toEqual(expect.arrayContaining(['*', ...packed.map((file) => `!${file}`), '!src', '!scripts']));
  });

  test('its health check says how gatelodge is', async () => {
    const command = z
      .array(z.string())
      .parse(JSON.parse(/HEALTHCHECK.*\\\n\s*CMD (\[.*\])/.exec(await dockerfile())?.[1] ?? ''));
    expect(command[0]).toBe('node');
    const port = await freePort();
    const check = (): Promise<unknown> =>
      run(
        process.execPath,
        command.slice(1).map((part) => part.replaceAll(':9190/', `:${port}/`)),
      );
    await expect(check()).rejects.toThrow();
    const yaml = await readFile('deploy/nginx/minimal.yaml', 'utf8');
    const gatelodge = await startGatelodge({ yaml: replaceText(yaml, [['port: 9190', `port: ${port}`]]), ready: port });
    try {
      await check();
    } finally {
      await gatelodge.stop();
    }
  });

  test('the program that it starts is the one that the package brings', async () => {
    const { bin } = JSON.parse(await readFile('package.json', 'utf8')) as { bin: Record<string, string> }; // our own file
    expect(Object.keys(bin)).toEqual(['gatelodge']);
    expect(await dockerfile()).toContain('/opt/gatelodge/node_modules/.bin/gatelodge');
    expect(resolve(FOLDER, '../..')).toBe(process.cwd());
  });
});
