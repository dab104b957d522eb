import { join } from 'node:path';
import type { Recipe } from './front-server-stack.ts';
import { copyRecipes, RECIPES, startNginx } from './nginx.ts';

/** @param program its name, where more than one nginx is installed */
export function nginxRecipe(name: 'minimal' | 'complete', program = 'nginx'): Recipe {
  return {
    yaml: join(RECIPES, `${name}.yaml`),
    async start({ directory, tlsPort, plainPort, decisionsPort, applicationPort, appHost }) {
      await copyRecipes(directory, {
        tlsPort,
        plainPort,
        gatelodgePort: decisionsPort,
        applicationPort,
        socketDirectory: directory,
        ...(appHost === undefined ? {} : { appHost }),
      });
      const nginx = await startNginx(directory, `include gatelodge/${name}.conf;`, tlsPort, program);
      return { log: nginx.errorLog, stop: nginx.stop };
    },
  };
}
