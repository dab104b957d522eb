import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLogo } from '../../src/config/logo.ts';
import { configurationOf, directoryWith, problems } from './loading.ts';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>';
const read = (content: string | Buffer) => readLogo(join(directoryWith({ 'logo.any': content }), 'logo.any'));

describe('a logo', () => {
  it.each([
    SVG,
    `\ufeff<?xml version="1.0"?>\n<!-- made by hand -->\n<!DOCTYPE svg>\n${SVG}`,
    `<?xml version="1.0"?>${'<!-- x -->'.repeat(200)}${SVG}`,
  ])('is an SVG by its content %#', (content) => {
    expect(read(content).dataUrl).toBe(`data:image/svg+xml;base64,${Buffer.from(content).toString('base64')}`);
  });

  it.each([
    ['image/png', '\x89PNG\r\n\x1a\n'],
    ['image/jpeg', '\xff\xd8\xff\xe0'],
    ['image/gif', 'GIF89a'],
    ['image/webp', 'RIFF\0\0\0\0WEBP'],
  ])('is %s by its first bytes', (type, bytes) => {
    expect(read(Buffer.from(bytes, 'latin1')).dataUrl).toMatch(new RegExp(`^data:${type};base64,`));
  });

  it.each([
    ['<html><svg></svg></html>', 'no SVG'],
    ['<svgx/>', 'no SVG'],
    [`${'<!-- x -->'.repeat(5_000)}<html>`, 'no SVG'],
    ['', 'no SVG'],
    [`${SVG}${' '.repeat(65_536)}`, '64 KiB'],
  ])('is refused %#', (content, why) => {
    expect(read(content)).toEqual({ dataUrl: null, why: expect.stringContaining(why) });
  });

  it('is found out when the configuration is checked, relative to its file', async () => {
    const directory = directoryWith({ 'logo.svg': SVG, 'page.html': '<html>' });
    const file = join(directory, 'gatelodge.yaml');
    const { branding } = await configurationOf('branding: {name: Example, logo: logo.svg}', { file });
    expect(branding).toEqual({ name: 'Example', logo: join(directory, 'logo.svg') });
    expect(await problems('branding: {logo: page.html}', { file })).toEqual(['unreadable-file 1:18 branding.logo']);
    expect(await problems('branding: {logo: none.svg}', { file })).toEqual(['unreadable-file 1:18 branding.logo']);
    expect(await problems('branding: {logo: .}', { file })).toEqual(['unreadable-file 1:18 branding.logo']);
    expect(await problems('branding: {name: "a\\nb"}', { file })).toEqual(['invalid-value 1:18 branding.name']);
  });
});
