import { describe, expect, it } from 'vitest';
import { inheritedSockets } from '../../src/http/inherited-sockets.ts';

const TCP = { host: '127.0.0.1', port: 9190 };
const UNIX = { socket: '/run/gatelodge.sock', socket_chmod: '660' };

describe('sockets that are handed over', () => {
  it.each([
    [{}, [TCP]],
    [{ LISTEN_FDS: '1' }, [TCP]],
    [{ LISTEN_FDS: '0', LISTEN_PID: '7' }, [TCP]],
    // Meant for the process that started this one.
    [{ LISTEN_FDS: '1', LISTEN_PID: '6' }, [TCP]],
  ])('%j are none', (environment, places) => {
    expect(inheritedSockets(environment, 7, places)).toBeNull();
  });

  it('are one for each listener, in order', () => {
    expect(inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '7' }, 7, [TCP, UNIX])).toEqual([3, 4]);
  });

  it.each([
    ['1', [TCP, UNIX]],
    ['2', [TCP]],
    ['x', [TCP]],
    ['2', [UNIX, { ...UNIX, socket: '/run/internal.sock' }]],
  ])('%s of them for %j are refused', (count, places) => {
    expect(() => inheritedSockets({ LISTEN_FDS: count, LISTEN_PID: '7' }, 7, places)).toThrow(
      expect.objectContaining({ code: 'configuration-invalid' }),
    );
  });
});
