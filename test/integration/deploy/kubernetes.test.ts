import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ENTRY } from '../../support/gatelodge.ts';
import { findProgram, missing } from '../../support/skip.ts';
import { tempDir } from '../../support/temp-dir.ts';

const FILE = 'deploy/kubernetes/gatelodge.yaml';
const run = promisify(execFile);
const text = (): Promise<string> => readFile(FILE, 'utf8');

const port = z.object({ name: z.string(), containerPort: z.int() });
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const deployment = z.object({
  spec: z.object({
    replicas: z.literal(1),
    strategy: z.object({ type: z.literal('Recreate') }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        automountServiceAccountToken: z.literal(false),
        securityContext: z.looseObject({ runAsNonRoot: z.literal(true), runAsUser: z.int() }),
        containers: z.tuple([
          z.looseObject({
            args: z.array(z.string()),
            ports: z.array(port),
            startupProbe: probe,
            livenessProbe: probe,
            readinessProbe: probe,
            securityContext: z.object({
              allowPrivilegeEscalation: z.literal(false),
              readOnlyRootFilesystem: z.literal(true),
              capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
            }),
            volumeMounts: z.array(z.looseObject({ mountPath: z.string() })),
          }),
        ]),
      }),
    }),
  }),
});
const listeners = z.array(z.looseObject({ port: z.int(), serves: z.array(z.string()) }));

async function documents(): Promise<Map<string, unknown>> {
  const parsed = parseAllDocuments(await text()).map((document) =>
    z.looseObject({ kind: z.string() }).parse(document.toJS()),
  );
  return new Map(parsed.map((one) => [one.kind, one]));
}
async function configuration(): Promise<string> {
  const map = z.object({ data: z.object({ 'gatelodge.yaml': z.string() }) });
  return map.parse((await documents()).get('ConfigMap')).data['gatelodge.yaml'];
}

describe('deploy/kubernetes/gatelodge.yaml', () => {
  test('says that it was not run', async () => {
    expect(await text()).toContain('NOT RUN');
  });

  test.skipIf(missing('kubernetes-validate'))('every object agrees with Kubernetes’ schema', async () => {
    const directory = await tempDir();
    try {
      for (const [kind, object] of await documents()) {
        const check = async (value: unknown): Promise<unknown> => {
          const file = join(directory.path, `${kind}.json`);
          await writeFile(file, JSON.stringify(value));
          return run(findProgram('kubernetes-validate') ?? '', ['--strict', '-k', '1.30', file]);
        };
        await check(object);
        await expect(check({ ...z.looseObject({}).parse(object), speck: {} })).rejects.toThrow();
      }
    } finally {
      await directory.remove();
    }
  });

  test('gatelodge finds nothing wrong with its configuration', async () => {
    const directory = await tempDir();
    try {
      const file = join(directory.path, 'gatelodge.yaml');
      await writeFile(file, (await configuration()).replace('/data', directory.path), { mode: 0o600 });
      const { stdout, stderr } = await run(process.execPath, [ENTRY, 'check', '--json', '-c', file]);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual([]);
    } finally {
      await directory.remove();
    }
  });

  test('ports, probes, places and rules fit together', async () => {
    const yaml = await configuration();
    const listen = listeners.parse(parseAllDocuments(yaml)[0]?.toJS().listen);
    const { spec } = deployment.parse((await documents()).get('Deployment')).spec.template;
    const [container] = spec.containers;
    expect(container.ports.map(({ containerPort }) => containerPort)).toEqual(listen.map((one) => one.port));
    expect(listen.map(({ serves }) => serves)).toEqual([['decisions'], ['public']]);
    const [decisions] = container.ports;
    for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      expect(httpGet.port).toBe(decisions?.name);
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    const mounted = container.volumeMounts.map(({ mountPath }) => mountPath);
    expect(mounted).toContain(/^data_dir: (\S+)$/m.exec(yaml)?.[1]);
    expect(container.args).toEqual(['serve', '-c', `${mounted[0]}/gatelodge.yaml`]);
    // The image's own user.
    expect(await readFile('deploy/docker/Dockerfile', 'utf8')).toContain(`USER ${spec.securityContext.runAsUser}:`);
    // The tested rules.
    const rules = (whole: string): string => /^paths:\n(?: .*\n)+/m.exec(`${whole}\n`)?.[0] ?? '';
    expect(rules(yaml)).toBe(rules(await readFile('deploy/nginx/complete.yaml', 'utf8')));
  });

  test('the ingress sends checks and pages to the ports that answer them', async () => {
    const ingress = await readFile('deploy/nginx/ingress-nginx.yaml', 'utf8');
    expect(ingress).toContain('gatelodge.gatelodge.svc.cluster.local:9190/validate/nginx');
    expect(ingress).toContain('service: {name: gatelodge, port: {number: 9191}}');
  });
});
