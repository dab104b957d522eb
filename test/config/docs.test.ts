import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configurationPage } from '../../scripts/configuration-page.ts';
import { editorSchema } from '../../scripts/editor-schema.ts';
import { PROBLEM_CODES } from '../../src/config/problem.ts';
import { configurationSchema } from '../../src/config/schema.ts';
import { directoryWith } from './loading.ts';

const root = new URL('../../', import.meta.url).pathname;

describe('docs/configuration.md', () => {
  const page = configurationPage();

  it('is what the schema says', () => {
    expect(readFileSync(join(root, 'docs/configuration.md'), 'utf8')).toBe(page);
  });

  it('has a section for every key and plugin type, and a description for every row', () => {
    for (const key of Object.keys(configurationSchema.shape))
      expect(page).toMatch(new RegExp(`^## \`${key}\`\n\n.*\\.\\* \\S`, 'm'));
    for (const type of ['session', 'basic', 'token', 'apikey', 'jwt', 'oidc'])
      expect(page).toContain(`## Plugin type \`${type}\``);
    for (const code of Object.keys(PROBLEM_CODES)) expect(page).toContain(`| \`${code}\` |`);
    expect(page.split('\n').filter((line) => line.startsWith('| `') && /\|\s*\|$/.test(line))).toEqual([]);
  });
});

describe('docs/gatelodge.schema.json', () => {
  const schema = editorSchema();

  it('is what the schema says', () => {
    expect(JSON.parse(readFileSync(join(root, 'docs/gatelodge.schema.json'), 'utf8'))).toEqual(schema);
  });

  it('knows the keys, their files, variables and the options of plugin types', () => {
    const keys = Object.keys(schema.properties ?? {});
    expect(keys).toEqual(
      expect.arrayContaining([...Object.keys(configurationSchema.shape), 'secret_file', 'public_url_file']),
    );
    expect(keys).not.toContain('data_dir_file');
    expect(keys).not.toContain('users_file');
    expect(schema.additionalProperties).toBe(false);
    expect(schema.$defs?.['options-jwt']?.properties?.['secret_file']).toBeDefined();
    expect(schema.$defs?.['options-oidc']?.allOf).toContainEqual({
      anyOf: [{ required: ['client_id'] }, { required: ['client_id_file'] }],
    });
    expect(schema.properties?.['front_server']?.anyOf).toContainEqual({ $ref: '#/$defs/variable' });
    expect(schema.properties?.['auth_plugins']?.properties?.['basic']?.['else']).toEqual({
      $ref: '#/$defs/options-basic',
    });
  });

  it('refers to nothing that it does not define', () => {
    const references: string[] = [];
    const collect = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, child] of Object.entries(value)) {
        if (key === '$ref') references.push(String(child));
        else collect(child);
      }
    };
    collect(schema);
    const defined = Object.keys(schema.$defs ?? {}).map((name) => `#/$defs/${name}`);
    expect(references.filter((reference) => !defined.includes(reference))).toEqual([]);
  });
});

describe('generate-docs --check', () => {
  it('passes on what is there and names the file that differs', () => {
    const copy = directoryWith({});
    for (const part of ['src', 'node_modules', 'package.json']) symlinkSync(join(root, part), join(copy, part));
    for (const part of ['scripts', 'docs']) cpSync(join(root, part), join(copy, part), { recursive: true });
    const check = () =>
      spawnSync(process.execPath, [join(copy, 'scripts/generate-docs.ts'), '--check'], { encoding: 'utf8' });
    expect(check()).toMatchObject({ status: 0, stderr: '' });
    appendFileSync(join(copy, 'docs/configuration.md'), '\n');
    expect(check()).toMatchObject({ status: 1, stderr: expect.stringMatching(/^docs\/configuration\.md .*\n$/) });
  });
});
