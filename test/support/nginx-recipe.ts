import { join } from 'node:path';
import type { Recipe } from './front-server-stack.ts';
import { copyRecipes, RECIPES, startNginx } from './nginx.ts';
import type { Replacement } from './replace-text.ts';

/**
 * @param program its name, where more than one nginx is installed
 * @param changes what else is different in minimal.conf
 */
export function nginxRecipe(
  name: 'minimal' | 'complete',
  program = 'nginx',
  changes: readonly Replacement[] = [],
): Recipe {
  return {
    yaml: join(RECIPES, `${name}.yaml`),
    async start({ directory, tlsPort, plainPort, decisionsPort, applicationPort, appHost }) {
      await copyRecipes(directory, {
        tlsPort,
        plainPort,
        gatelodgePort: decisionsPort,
        applicationPort,
        socketDirectory: directory,
        changes,
        ...(appHost === undefined ? {} : { appHost }),
      });
      const nginx = await startNginx(directory, `include gatelodge/${name}.conf;`, tlsPort, program);
      return { log: nginx.errorLog, stop: nginx.stop };
    },
  };
}
