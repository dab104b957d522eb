import { describeFrontServer } from '../../contract/front-server-contract.ts';
import { caddyRecipe } from '../../support/caddy-recipe.ts';

// Debian's, and the current one.
for (const program of ['caddy', 'caddy-2.11']) {
  describeFrontServer(program, {
    programs: [program],
    minimal: caddyRecipe('minimal', program),
    complete: caddyRecipe('complete', program),
    traits: { passesStatusOn: true, patience: 12_000, tidiesPaths: false, http2: true, clientPort: 'replaced' },
  });
}
