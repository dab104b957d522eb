import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Core, databaseFileOf, openCore } from '../compose/core.ts';
import type { Configuration } from '../config/schema.ts';
import type { AuditSink } from '../domain/audit.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { deriveKey, keyedHash } from '../domain/secret.ts';
import type { Terminal } from './command.ts';
import { loadSound } from './configuration.ts';

/** A running service asks every 25 ms whether anything was changed. What a command says is done holds there too, in ms. */
const HEARD = 100;

/** Levels at which the service would write an audit event, which has level info. */
const AUDITED = ['trace', 'debug', 'info'];

/**
 * Opens the data of a configuration for one command, beside a service that may be running on it, and closes it again. Without
 * a configuration that is named or here there must be data already, such as that of a service which runs on its defaults.
 * Standard output is the command's own; what is changed is told on standard error, as the service's log would.
 */
export async function withCore(
  option: string | undefined,
  terminal: Terminal,
  run: (core: Core) => Promise<number>,
): Promise<number> {
  const sound = await loadSound(option, terminal);
  // Else a command in the wrong directory would make a database of its own, and say that it had done something.
  if (sound.defaults && !existsSync(databaseFileOf(sound.configuration)))
    throw new GatelodgeError('configuration-invalid', `there is no ${sound.file} here: name it with -c FILE`);
  const { log } = sound.configuration;
  const core = await openCore({
    ...sound,
    // Nor does it wait for Loki: whoever wants these events there has them on standard error.
    configuration: { ...sound.configuration, log: { ...log, level: 'silent', loki: undefined } },
    spread: () => sleep(HEARD),
  });
  try {
    return await run({ ...core, log: { ...core.log, audit: auditLines(log, core.secret, terminal) } });
  } finally {
    await core.close();
  }
}

/** One JSON line an event, with the same hashes as in the service's own log, so that the two can be searched as one. */
function auditLines({ level, pii }: Configuration['log'], secret: string, terminal: Terminal): AuditSink {
  if (!AUDITED.includes(level)) return () => {};
  const key = deriveKey(secret, 'log');
  const hide = (text: string) => (pii === 'plain' ? text : keyedHash(key, text).slice(0, 16));
  return ({ event, user, session, detail }) => {
    const who = {
      ...(user === undefined ? {} : { user: hide(user) }),
      ...(session === undefined ? {} : { session: hide(session) }),
    };
    const line = {
      level: 'info',
      time: new Date().toISOString(),
      event,
      audit: true,
      by: 'command',
      ...who,
      ...detail,
    };
    terminal.error(`${JSON.stringify(line)}\n`);
  };
}
