import { describe, expect, it } from 'vitest';
import { configurationSchema } from '../../src/config/schema.ts';
import { createDeviceCookie } from '../../src/http/device-cookie.ts';
import { SECRET } from './public-stand.ts';

const YEAR = 31_536_000_000;
const configuration = { ...configurationSchema.parse({}), public_url: 'https://auth.example.com' };
let now = 1_000_000_000_000;
const device = createDeviceCookie(configuration, SECRET, () => now);
const NONE = new Headers();
const sent = (...lines: string[]) => new Headers({ cookie: lines.map((line) => line.split(';')[0]).join('; ') });

describe('the cookie of a known device', () => {
  it('is the browser’s alone, and says nothing', () => {
    const line = device.issue(NONE, 'alice');
    expect(line).toMatch(
      /^__Host-gatelodge-device=[\w-]{16}\.\d+\.[\w-]{43}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(line).not.toContain('alice');
  });

  it('counts for the name it was made for, and keeps its id', () => {
    const line = device.issue(NONE, 'alice');
    const id = device.read(sent(line), 'alice');
    expect(id).toMatch(/^[\w-]{16}$/);
    expect(device.read(sent(line), 'bob')).toBeNull();
    expect(device.read(sent(device.issue(sent(line), 'alice')), 'alice')).toBe(id);
    expect(device.read(sent(device.issue(sent(line), 'bob')), 'bob')).not.toBe(id);
    // A cookie that another host planted under the same name does no harm.
    expect(device.read(sent('__Host-gatelodge-device=x', line), 'alice')).toBe(id);
  });

  it('cannot be made or changed by anybody else', () => {
    const [value = ''] = device.issue(NONE, 'alice').split(';');
    const other = createDeviceCookie(configuration, `${SECRET}!`, () => now);
    expect(device.read(sent(other.issue(NONE, 'alice')), 'alice')).toBeNull();
    const [id = '', made = '', signature = ''] = value.slice(value.indexOf('=') + 1).split('.');
    for (const forged of [
      `${'A'.repeat(16)}.${made}.${signature}`,
      `${id}.${Number(made) + 1}.${signature}`,
      `${id}.${made}.${'A'.repeat(43)}`,
      `${id}.${made}.`,
      '',
    ]) {
      expect(device.read(sent(`__Host-gatelodge-device=${forged}`), 'alice'), forged).toBeNull();
    }
  });

  it('ends after a year', () => {
    const line = device.issue(NONE, 'alice');
    now += YEAR - 1_000;
    expect(device.read(sent(line), 'alice')).not.toBeNull();
    now += 1_000;
    expect(device.read(sent(line), 'alice')).toBeNull();
  });
});
