import { describeFrontServer, type Traits } from '../../contract/front-server-contract.ts';
import { nginxRecipe } from '../../support/nginx-recipe.ts';

const traits: Traits = {
  passesStatusOn: false,
  patience: 12_000,
  tidiesPaths: false,
  http2: false,
  clientPort: 'replaced',
};

// Debian's, and the current one.
for (const program of ['nginx', 'nginx-1.31']) {
  describeFrontServer(program, {
    programs: [program],
    minimal: nginxRecipe('minimal', program),
    complete: nginxRecipe('complete', program),
    traits,
  });
}
