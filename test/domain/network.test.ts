import { describe, expect, it } from 'vitest';
import { networkSet, parseNetwork, plainAddress } from '../../src/domain/network.ts';

describe('parseNetwork', () => {
  it('takes addresses and networks apart', () => {
    expect(parseNetwork('10.0.0.0/8')).toEqual({ address: '10.0.0.0', prefix: 8, family: 'ipv4' });
    expect(parseNetwork('192.0.2.1')).toEqual({ address: '192.0.2.1', prefix: 32, family: 'ipv4' });
    expect(parseNetwork('::1')).toEqual({ address: '::1', prefix: 128, family: 'ipv6' });
    expect(parseNetwork('0.0.0.0/0')).toMatchObject({ prefix: 0 });
  });

  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '10.0.0.256',
    '010.0.0.1',
    'fe80::1%eth0',
    '::/129',
    'localhost',
    ' 10.0.0.1',
    '10.0.0.1\n',
  ])('refuses %j', (text) => expect(parseNetwork(text)).toBeNull());

  it('makes nothing of host bits', () => {
    const set = networkSet(['192.0.2.129/25', '2001:db8::1/32']);
    expect([set.contains('192.0.2.130'), set.contains('192.0.2.127'), set.contains('2001:db8:ffff::')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe('networkSet', () => {
  const set = networkSet(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);

  it.each([
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['9.255.255.255', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8::1', true],
    ['2001:DB8:0::1', true],
    ['2001:db9::1', false],
    ['::ffff:10.1.2.3', true],
    ['::FFFF:10.1.2.3', true],
    ['::ffff:a01:203', true],
    ['::ffff:11.1.2.3', false],
    ['::10.1.2.3', false],
    ['', false],
    ['10.1.2', false],
    ['10.1.2.3%lo', false],
    ['10.1.2.3:80', false],
    ['unknown', false],
  ])('%s: %s', (address, inside) => expect(set.contains(address)).toBe(inside));

  it('holds nothing when it is empty', () => expect(networkSet([]).contains('127.0.0.1')).toBe(false));
  it('throws for what is no network, which the configuration’s check has refused before', () => {
    expect(() => networkSet(['nowhere'])).toThrow(RangeError);
  });
});

describe('plainAddress', () => {
  it('takes IPv4 out of its IPv6 clothes, in either spelling', () => {
    expect(plainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(plainAddress('::ffff:c000:201')).toBe('192.0.2.1');
    expect(plainAddress('0:0:0:0:0:ffff:c000:0201')).toBe('192.0.2.1');
    expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
    expect(plainAddress('fe80::1%eth0')).toBeNull();
    expect(plainAddress('192.0.2.1.5')).toBeNull();
  });
});
